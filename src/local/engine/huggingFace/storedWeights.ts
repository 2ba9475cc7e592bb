import { TinkerError } from '../../../errors.js';
import { decodeTensor, readSafetensorsHeader, type SafetensorsHeader } from '../safetensors.js';
import type { EngineTensor } from '../engine.js';
import { fileIn, hasFile, withFile } from '../files.js';
import { readJson } from './readJson.js';

/** The tensors of a checkpoint's directory, in one safetensors file or several; read when asked for. */
export class StoredWeights {
  readonly #headers = new Map<string, SafetensorsHeader>();
  readonly #files: ReadonlyMap<string, string>;

  /** @throws TinkerError `invalid_config` where the directory has no safetensors files. */
  constructor(private readonly directory: string) {
    this.#files = this.#locate();
  }

  /**
   * The shape of a tensor.
   *
   * @throws TinkerError `invalid_config` where there is none of this name.
   */
  shape(name: string): readonly number[] {
    return this.#entry(name).entry.shape;
  }

  /** A tensor, floating-point numbers as float32. */
  read(name: string): EngineTensor {
    const { file, entry, dataStart } = this.#entry(name);
    return withFile(file, (read) => decodeTensor(entry, read(dataStart + entry.begin, entry.end - entry.begin)));
  }

  #entry(name: string) {
    const file = this.#files.get(name);
    const header = file === undefined ? undefined : this.#header(file);
    const entry = header?.entries.get(name);
    if (file === undefined || header === undefined || entry === undefined)
      throw new TinkerError(
        'invalid_config',
        `Expected a tensor ${name} in the weights of ${this.directory}, got none.`,
      );
    return { file, entry, dataStart: header.dataStart };
  }

  #header(file: string): SafetensorsHeader {
    const known = this.#headers.get(file);
    if (known !== undefined) return known;
    if (!hasFile(file))
      throw new TinkerError('invalid_config', `Expected the file ${file}, which the weights' index names, got none.`);
    const header = withFile(file, readSafetensorsHeader);
    this.#headers.set(file, header);
    return header;
  }

  #locate(): ReadonlyMap<string, string> {
    const index = readJson(fileIn(this.directory, 'model.safetensors.index.json'))?.weight_map;
    if (typeof index === 'object' && index !== null)
      return new Map(Object.entries(index).map(([name, file]) => [name, fileIn(this.directory, String(file))]));
    const file = fileIn(this.directory, 'model.safetensors');
    if (!hasFile(file))
      throw new TinkerError(
        'invalid_config',
        `Expected model.safetensors or model.safetensors.index.json in ${this.directory}, got neither. Save the model with save_pretrained, which writes them.`,
      );
    return new Map([...this.#header(file).entries.keys()].map((name) => [name, file]));
  }
}
