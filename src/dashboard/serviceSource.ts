import { mergeMap } from 'rxjs';
import { clientSource } from './clientSource.js';
import type { DashboardSource } from './dashboardSource.js';
import type { ServiceClient } from '../clients/service.js';

/** Follows every TrainingClient that a service makes from now on. */
export function serviceSource(service: ServiceClient): DashboardSource {
  return { events$: service.trainingClients$.pipe(mergeMap((training) => clientSource(training).events$)) };
}
