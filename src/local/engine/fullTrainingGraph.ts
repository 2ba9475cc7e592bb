import { add, gradient, input, isOperation, type Node, sum, topologicalOrder } from '../../graph/index.js';
import type { DecoderConfig } from './decoderConfig.js';
import type { Loss } from './losses.js';
import { gradientName, passGraph, weightShapes } from './model.js';

/**
 * The graph of a pass that trains the weights themselves instead of an adapter: inputs as those of `trainingGraph`,
 * outputs `targetLogprobs` and `losses` [b, s] and the gradient of the loss's sum by every weight.
 */
export function fullTrainingGraph(config: DecoderConfig, loss: Loss): Readonly<Record<string, Node>> {
  const outputs = passGraph(config, { matrices: [], size: 0, scale: 0 }, false, (targetLogprobs) => ({
    losses: loss.elementwise(targetLogprobs, (name) => input(name, ['batch', 'sequence'])),
  }));
  const { losses } = outputs;
  if (losses === undefined) throw new RangeError('A pass has losses.');
  const shapes = weightShapes(config);
  const uses = topologicalOrder([losses])
    .filter((node) => isOperation(node, 'input'))
    .filter(({ attributes: { name } }) => Object.hasOwn(shapes, name));
  const gradients: Record<string, Node> = {};
  gradient(sum(losses), uses).forEach((derivative, index) => {
    const name = gradientName(uses[index]?.attributes.name ?? '');
    // A tied embedding is used twice.
    const other = gradients[name];
    gradients[name] = other === undefined ? derivative : add(other, derivative);
  });
  return { ...outputs, ...gradients };
}
