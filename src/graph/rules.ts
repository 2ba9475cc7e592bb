import type { OperationName } from './node.js';
import { absRule } from './operations/abs.js';
import { addRule } from './operations/add.js';
import { cachedAttentionRule } from './operations/cachedAttention.js';
import { clampRule } from './operations/clamp.js';
import { concatRule } from './operations/concat.js';
import { constantRule } from './operations/constant.js';
import { cumsumRule } from './operations/cumsum.js';
import { detachRule } from './operations/detach.js';
import { divRule } from './operations/div.js';
import { eqRule } from './operations/eq.js';
import { expRule } from './operations/exp.js';
import { expandRule } from './operations/expand.js';
import { expandAsRule } from './operations/expandAs.js';
import { expm1Rule } from './operations/expm1.js';
import { gatherRule } from './operations/gather.js';
import { geRule } from './operations/ge.js';
import { gtRule } from './operations/gt.js';
import { inputRule } from './operations/input.js';
import { inverseRmsRule } from './operations/inverseRms.js';
import { leRule } from './operations/le.js';
import { logRule } from './operations/log.js';
import { log1pRule } from './operations/log1p.js';
import { logprobRule } from './operations/logprob.js';
import { logsigmoidRule } from './operations/logsigmoid.js';
import { logSoftmaxRule } from './operations/logSoftmax.js';
import { ltRule } from './operations/lt.js';
import { matmulRule } from './operations/matmul.js';
import { maxRule } from './operations/max.js';
import { maximumRule } from './operations/maximum.js';
import { meanRule } from './operations/mean.js';
import { minimumRule } from './operations/minimum.js';
import { mulRule } from './operations/mul.js';
import { neRule } from './operations/ne.js';
import { negRule } from './operations/neg.js';
import { oneHotRule } from './operations/oneHot.js';
import { powRule } from './operations/pow.js';
import { reshapeRule } from './operations/reshape.js';
import { rmsNormRule } from './operations/rmsNorm.js';
import { ropeRule } from './operations/rope.js';
import { scatterRowsRule } from './operations/scatterRows.js';
import { sigmoidRule } from './operations/sigmoid.js';
import { signRule } from './operations/sign.js';
import { siluRule } from './operations/silu.js';
import { sizeRule } from './operations/size.js';
import { sliceRule } from './operations/slice.js';
import { sliceScatterRule } from './operations/sliceScatter.js';
import { softmaxRule } from './operations/softmax.js';
import { softplusRule } from './operations/softplus.js';
import { splitPartRule } from './operations/splitPart.js';
import { sqrtRule } from './operations/sqrt.js';
import { squeezeRule } from './operations/squeeze.js';
import { subRule } from './operations/sub.js';
import { sumRule } from './operations/sum.js';
import { tanhRule } from './operations/tanh.js';
import { transposeRule } from './operations/transpose.js';
import { unsqueezeRule } from './operations/unsqueeze.js';
import { whereRule } from './operations/where.js';
import type { Rule } from './rule.js';

/** How each operation is evaluated and differentiated. */
export const rules: { readonly [Name in OperationName]: Rule<Name> } = {
  input: inputRule,
  constant: constantRule,
  add: addRule,
  sub: subRule,
  mul: mulRule,
  div: divRule,
  pow: powRule,
  minimum: minimumRule,
  maximum: maximumRule,
  eq: eqRule,
  ne: neRule,
  lt: ltRule,
  le: leRule,
  gt: gtRule,
  ge: geRule,
  where: whereRule,
  neg: negRule,
  exp: expRule,
  expm1: expm1Rule,
  log: logRule,
  log1p: log1pRule,
  sqrt: sqrtRule,
  abs: absRule,
  sign: signRule,
  tanh: tanhRule,
  sigmoid: sigmoidRule,
  logsigmoid: logsigmoidRule,
  softplus: softplusRule,
  clamp: clampRule,
  detach: detachRule,
  sum: sumRule,
  mean: meanRule,
  max: maxRule,
  cumsum: cumsumRule,
  size: sizeRule,
  reshape: reshapeRule,
  transpose: transposeRule,
  unsqueeze: unsqueezeRule,
  squeeze: squeezeRule,
  expand: expandRule,
  expandAs: expandAsRule,
  concat: concatRule,
  slice: sliceRule,
  sliceScatter: sliceScatterRule,
  splitPart: splitPartRule,
  matmul: matmulRule,
  rmsNorm: rmsNormRule,
  inverseRms: inverseRmsRule,
  silu: siluRule,
  softmax: softmaxRule,
  logSoftmax: logSoftmaxRule,
  rope: ropeRule,
  cachedAttention: cachedAttentionRule,
  gather: gatherRule,
  scatterRows: scatterRowsRule,
  logprob: logprobRule,
  oneHot: oneHotRule,
};
