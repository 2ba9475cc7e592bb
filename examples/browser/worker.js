// The server: models, training and sampling, all in this worker of the page.
import { serveInWorker } from 'rxtinker/local/browser';

serveInWorker({ baseModels: { 'rxtinker/tiny': 'tiny' } });
