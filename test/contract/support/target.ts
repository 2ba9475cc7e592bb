import { ServiceClient, type ServiceOptions, silentLogger, undiciTransport } from '../../../src/index.js';
import { startLocalServer } from '../../../src/local/index.js';
import { WireLog } from './wireLog.js';

/** A server under contract. */
export interface Target {
  readonly baseUrl: string;
  readonly baseModel: string;
  /** How far two ways to the same number may lie apart, relative; the embedded server is exact to rounding. */
  readonly tolerance: number;
  /** A client of it, and what it sends. */
  connect(options?: Omit<ServiceOptions, 'transport'>): { readonly service: ServiceClient; readonly wire: WireLog };
  close(): Promise<void>;
}

/**
 * Opens the server of `RXTINKER_CONTRACT_URL` (with `TINKER_API_KEY` and `RXTINKER_CONTRACT_MODEL`, by default its
 * first model), else an embedded one.
 */
export async function openTarget(): Promise<Target> {
  const { RXTINKER_CONTRACT_URL: given = '', RXTINKER_CONTRACT_MODEL: model = '' } = process.env;
  const server = given === '' ? await startLocalServer() : undefined;
  const baseUrl = server?.url ?? given;
  const services: ServiceClient[] = [];
  const connect: Target['connect'] = (options = {}) => {
    const wire = new WireLog(undiciTransport({ baseUrl }));
    const service = new ServiceClient({ log: silentLogger, ...options, baseUrl, transport: wire });
    services.push(service);
    return { service, wire };
  };
  const { supportedModels } = await connect().service.getServerCapabilities().result();
  return {
    baseUrl,
    baseModel: model === '' ? (supportedModels[0]?.modelName ?? '') : model,
    tolerance: given === '' ? 1e-5 : 1e-2,
    connect,
    close: async () => {
      await Promise.all(services.map((service) => service.close()));
      await server?.close();
    },
  };
}
