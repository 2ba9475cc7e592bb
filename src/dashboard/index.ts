export { clientSource } from './clientSource.js';
export { type Dashboard, type DashboardOptions, serveDashboard } from './serveDashboard.js';
export type { DashboardSource } from './dashboardSource.js';
export { type FileSourceOptions, fileSource } from './fileSource.js';
export type {
  CheckpointEvent,
  DashboardEvent,
  LaneEvent,
  LaneState,
  MetricsEvent,
  PointsEvent,
  QueueEvent,
  RunEvent,
  SampleEvent,
} from './page/dashboardEvent.js';
export { type RestSourceOptions, restSource } from './restSource.js';
export { serviceSource } from './serviceSource.js';
