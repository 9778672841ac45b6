"""Makes masks.json here: conversations as transformers renders, encodes and masks them.

The tokenizer is that of crates/tokenizer/tests/goldens/small. Each template marks what the assistant
says by `{% generation %}`, which transformers turns into a mask; hadal reads the same template without
the marks and has to find the same tokens by rendering prefixes. Made with transformers 5.24.0.

    python make.py
"""

import json
from pathlib import Path

from transformers import AutoTokenizer

HERE = Path(__file__).parent
SMALL = HERE.parents[3] / "tokenizer/tests/goldens/small"

TEMPLATES = {
    # DeepSeek-V3's plain turns.
    "deepseek": "{{- bos_token -}}{%- for m in messages -%}{%- if m['role'] == 'assistant' -%}"
    "{{- '<｜Assistant｜>' -}}{%- generation -%}{{- m['content'] + eos_token -}}{%- endgeneration -%}"
    "{%- elif m['role'] == 'user' -%}{{- '<｜User｜>' + m['content'] -}}"
    "{%- else -%}{{- m['content'] -}}{%- endif -%}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<｜Assistant｜>' -}}{%- endif -%}",
    # ChatML's shape: a turn ends with a special token and a line end that nobody has to say.
    "lines": "{%- for m in messages -%}{{- '<｜fim▁begin｜>' + m['role'] + '\\n' -}}"
    "{%- if m['role'] == 'assistant' -%}{%- generation -%}{{- m['content'] + '<｜fim▁end｜>' -}}"
    "{%- endgeneration -%}{%- else -%}{{- m['content'] + '<｜fim▁end｜>' -}}{%- endif -%}{{- '\\n' -}}"
    "{%- endfor -%}{%- if add_generation_prompt -%}{{- '<｜fim▁begin｜>assistant\\n' -}}{%- endif -%}",
    # DeepSeek-V2's shape: names in plain words, and a space that belongs to the answer.
    "words": "{{- bos_token -}}{%- for m in messages -%}{%- if m['role'] == 'user' -%}"
    "{{- 'User: ' + m['content'] + '\\n\\n' -}}{%- elif m['role'] == 'assistant' -%}"
    "{{- 'Assistant:' -}}{%- generation -%}{{- ' ' + m['content'] + eos_token -}}{%- endgeneration -%}"
    "{%- else -%}{{- m['content'] + '\\n\\n' -}}{%- endif -%}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- 'Assistant:' -}}{%- endif -%}",
}

CONVERSATIONS = [
    [("user", "How deep is the sea?"), ("assistant", "Eleven thousand metres.")],
    [
        ("system", "You are terse."),
        ("user", "海沟有多深?"),
        ("assistant", "约 11,000 米。"),
        ("user", "And the\npressure?\n"),
        ("assistant", "A thousand\n\natmospheres 🐟"),
    ],
    [("user", "One"), ("assistant", "1"), ("assistant", "2"), ("user", "not answered")],
    [("user", ""), ("assistant", "")],
]


def main():
    tokenizer = AutoTokenizer.from_pretrained(SMALL)
    cases = []
    for name, template in TEMPLATES.items():
        for turns in CONVERSATIONS:
            messages = [{"role": role, "content": content} for role, content in turns]
            found = tokenizer.apply_chat_template(
                messages, chat_template=template, return_dict=True, return_assistant_tokens_mask=True
            )
            ids, mask = found["input_ids"], found["assistant_masks"]
            # hadal leaves out what follows the last token to learn.
            n = max(i for i, learned in enumerate(mask) if learned) + 1
            cases.append({"template": name, "messages": messages, "ids": ids[:n], "mask": mask[:n]})
    marks = ["{%- generation -%}", "{%- endgeneration -%}"]
    plain = {}
    for name, template in TEMPLATES.items():
        for mark in marks:
            template = template.replace(mark, "")
        plain[name] = template
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    text = f'{{"templates": {json.dumps(plain, ensure_ascii=False)},\n"cases": [\n{lines}\n]}}\n'
    (HERE / "masks.json").write_text(text, encoding="utf-8")


main()
