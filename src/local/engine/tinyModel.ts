import { tinyDirectory } from '../models/index.js';
import type { BaseModel } from './baseModel.js';
import { readBaseModel } from './huggingFace/readBaseModel.js';

/** The base model that comes with the package: small, trained on fairy tales, a directory like any other model's. */
export function tinyModel(): BaseModel {
  return readBaseModel('rxtinker/tiny', tinyDirectory);
}
