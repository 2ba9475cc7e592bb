/** What a model card says. */
export interface ModelCardFacts {
  readonly baseModel: string;
  readonly loraRank?: number;
  readonly checkpoint: string;
  readonly repo: string;
  readonly revision?: string;
}

/** The README.md of an adapter on the Hugging Face hub (https://huggingface.co/docs/hub/model-cards). */
export function modelCard({ baseModel, loraRank, checkpoint, repo, revision }: ModelCardFacts): string {
  const adapter = [repo, ...(revision === undefined ? [] : [revision])].map((text) => JSON.stringify(text));
  return `---
base_model: ${JSON.stringify(baseModel)}
base_model_relation: adapter
library_name: peft
pipeline_tag: text-generation
tags:
  - lora
  - peft
  - rxtinker
---

# ${repo.split('/').at(-1) ?? repo}

A LoRA adapter, trained with rxtinker.

| what       | value |
| ---------- | ----- |
| base model | \`${baseModel}\` |${loraRank === undefined ? '' : `\n| LoRA rank  | ${loraRank} |`}
| checkpoint | \`${checkpoint}\` |

\`\`\`python
from peft import PeftModel
from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained(${JSON.stringify(baseModel)})
model = PeftModel.from_pretrained(model, ${adapter.join(', revision=')})
\`\`\`
`;
}
