/** Something that happened on the server, for who watches it. `run` is a model's id, times are milliseconds since 1970. */
export type ServerEvent =
  | { readonly type: 'run'; readonly run: string; readonly name: string; readonly state: 'live' | 'ended' }
  | {
      readonly type: 'operation';
      readonly run: string;
      /** Of its promise. */
      readonly id: string;
      readonly operation: string;
      readonly state: 'queued' | 'computing' | 'done' | 'failed';
      readonly time: number;
      readonly seqId: number;
      readonly message?: string;
    }
  | {
      readonly type: 'metrics';
      readonly run: string;
      /** Optimizer steps that the model had finished before. */
      readonly step: number;
      readonly time: number;
      readonly metrics: Readonly<Record<string, number>>;
    }
  | {
      readonly type: 'checkpoint';
      readonly run: string;
      readonly path: string;
      readonly step: number;
      readonly time: number;
    }
  | {
      readonly type: 'sample';
      readonly run: string;
      readonly prompt: string;
      readonly text: string;
      readonly step?: number;
      readonly time: number;
    };

/** Takes what happens on the server. */
export type TellServerEvent = (event: ServerEvent) => void;
