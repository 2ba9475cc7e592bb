// What computes custom losses, as it is loaded.
export { evaluateCustomLoss } from './customLoss.js';
export { uploadableLoss } from './upload/uploadableLoss.js';
