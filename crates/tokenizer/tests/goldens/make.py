"""Makes the JSON files here from the tokenizer in small/, with transformers."""

import json
import random
from pathlib import Path

from transformers import AutoTokenizer
from transformers.utils.chat_template_utils import render_jinja_template

HERE = Path(__file__).parent
BOS = "<｜begin▁of▁sentence｜>"
EOS = "<｜end▁of▁sentence｜>"

TEXTS = [
    "",
    " ",
    "a",
    "The hadal zone is the deepest part of the ocean.",
    "  two  spaces,\ttab\r\n\r\nand lines\n\n\n",
    "1 12 123 1234 12345678 3.14159 ½ ٣٤٥",
    "深海里有狮子鱼。海沟ひらがなカタカナ한국어",
    "naïve café Ångström e\u0301 ﬁ Ⅷ",
    "🐟🐠 👩‍👩‍👧‍👦 🇨🇳 \u200d\ufeff\u0000\u007f",
    "fn main() { println!(\"{:?}\", x[0..=3]); } // it's #1_000",
    "don't DON'T we'll I'm",
    f"{BOS}<｜User｜>How deep?<｜Assistant｜>Eleven thousand metres.{EOS}",
    "<｜fim▁begin｜>let x = <｜fim▁hole｜>;<｜fim▁end｜>",
    "< |User| > <｜User> ｜ ▁ Ġ Ċ",
    "\U0010ffff\ue000",
    "word " * 40,
]

CHAT = [
    {"role": "system", "content": "You are terse."},
    {"role": "user", "content": "How deep?\n"},
    {"role": "assistant", "content": "11,000 m"},
    {"role": "user", "content": "海 \"quoted\" <b>&amp;</b>"},
]
VALUES = {
    "t": True,
    "n": None,
    "i": -7,
    "f": 1.0,
    "small": 1e-05,
    "least": 0.0001,
    "large": 1e16,
    "larger": 123456789012345678.0,
    "text": "it's \"海\"\n\t\\ \u0001 \u007f 🐟 </script>",
    "list": [1, "two", None, [], {}],
    "map": {"b": 1, "a": {"z": [], "y": [1.5, False]}},
}

# One habit each. `m` is VALUES.
HABITS = [
    "{{ m }}",
    "{{ m.t }} {{ m.n }} {{ m.i }} {{ m.f }} {{ m.small }} {{ m.least }} {{ m.large }} {{ m.larger }}",
    "{{ m.missing }}|{{ missing }}|",
    "{{ m.list }} {{ m.t | string }} {{ m.f | string }} {{ m.n | string }}",
    "{{ m | tojson }}",
    "{{ m | tojson(indent=2) }}",
    "{{ m | tojson(indent=4, sort_keys=True) }}",
    "{{ m | tojson(ensure_ascii=True) }}",
    "{{ m | tojson(separators=(',', ':')) }}",
    "{{ m.list | tojson(indent=0) }}",
    "{{ [] | tojson(indent=2) }} {{ {} | tojson(indent=2) }} {{ 'x' | tojson }}",
    "{{ 'a,b,,c'.split(',') }} {{ 'a,b,c'.split(',', 1)[1] }} {{ ' a  b '.split() }}",
    "{{ '  x '.strip() }}|{{ 'xxaxx'.strip('x') }}|{{ '\n\nx\n'.lstrip('\n') }}|{{ 'x\n\n'.rstrip('\n') }}|",
    "{{ 'think'.startswith('th') }} {{ 'think'.endswith('k') }} {{ 'ab'.upper() }} {{ 'a b'.title() }}",
    "{{ 'aaa'.replace('a', 'b') }} {{ 'aaa'.replace('a', 'b', 1) }} {{ 'abc'.find('c') }}",
    "{% for k, v in m.map.items() %}{{ k }}={{ v }};{% endfor %}",
    "{% for k, v in m.map | items %}{{ k }}={{ v }};{% endfor %}{% for k in m.map %}{{ k }}{% endfor %}",
    "{{ m.get('t') }} {{ m.get('missing', 'x') }} {{ m.map.keys() | list }} {{ m.map.values() | list }}",
    "{{ 'x' is string }}{{ m is mapping }}{{ 'x' is mapping }}{{ m.list is iterable }}{{ 'x' is iterable }}",
    "{{ 'x' is sequence }}{{ m is sequence }}{{ m.list is sequence }}{{ 1 is sequence }}{{ 1 is iterable }}",
    "{{ m.t is boolean }}{{ m.i is integer }}{{ m.f is float }}{{ m.i is number }}{{ m.n is none }}{{ m.x is defined }}",
    "{{ m.t is true }}{{ m.t is sameas true }}{{ 'a' in 'abc' }}{{ 'b' in m.map }}{{ 'q' not in m.list }}",
    "{{ m.list[-1] }}{{ m.list[1:3] }}{{ m.list[::-1] }}{{ 'abc'[1:] }}{{ 'abc'[::-1] }}",
    "{{ messages[1:] | length }} {{ messages[-1]['role'] }} {{ messages | map(attribute='role') | join(',') }}",
    "{{ messages | selectattr('role', 'equalto', 'user') | list | length }}",
    "{{ messages | rejectattr('role', 'equalto', 'user') | map(attribute='content') | list }}",
    "{% set ns = namespace(i=0, found=false) %}{% for x in messages %}{% set ns.i = ns.i + 1 %}{% endfor %}{{ ns.i }}{{ ns.found }}",
    "{% for x in messages %}{{ loop.index }}{{ loop.first }}{{ loop.last }}{{ loop.index0 }}{{ loop.length }}{% if not loop.last %}-{% endif %}{% endfor %}",
    "{% for x in messages %}{{ loop.previtem.role if loop.previtem is defined else '-' }}>{{ loop.nextitem.role if loop.nextitem is defined else '-' }} {% endfor %}",
    "{% for x in range(10) %}{% if x == 2 %}{% continue %}{% endif %}{% if x > 4 %}{% break %}{% endif %}{{ x }}{% endfor %}",
    "{% macro show(x, y='d') %}[{{ x }}:{{ y }}]{% endmacro %}{{ show(1) }}{{ show('a', y=2) }}",
    "{% set x %}a\n  {% if true %}\n  b\n  {% endif %}\n{% endset %}{{ x }}|",
    "  {% if true %}\n  kept\n  {% endif %}\n  {# note #}\nlast\n",
    "{%- if true -%}\n  a  \n{%- endif +%}\n b\n",
    "{{ 7 // 2 }} {{ 7 / 2 }} {{ 6 / 2 }} {{ 7 % 3 }} {{ 2 ** 5 }} {{ -7 // 2 }} {{ 1 + 1.0 }}",
    "{{ 'a' ~ 1 ~ 'b' }} {{ 'ab' * 2 }} {{ [1] + [2] }} {{ 'x' if m.missing else 'y' }} {{ m.missing or 'z' }}",
    "{{ m.text | trim | upper | length }} {{ m.missing | default('d') }} {{ '' | default('e', true) }} {{ m.list | first }}",
    "{{ 'a' + none }}",
    "{{ 'a' + 1 }}",
    "{{ missing.attribute }}",
    "{{ raise_exception('no: ' + messages[0].role) }}",
    "{{ missing() }}",
    "{{ missing | tojson }}",
    "{{ bos_token }}{{ eos_token }}{{ pad_token }}{{ unk_token is defined }}{{ tools is none }}{{ tools is defined }}{{ documents is none }}",
    "{{ '{}' | length }}{{ m.map | length }}{{ '海' | length }}{% for k, v in m.map | dictsort %}{{ k }}{{ v }}{% endfor %}",
    "{{ messages[0] | tojson }}{{ messages[0].items() | list | length }}",
]


def render(template, messages, **variables):
    try:
        return render_jinja_template([messages], chat_template=template, **variables)[0][0]
    except Exception:  # Whatever Python raises, the template fails.
        return None


def write(name, value):
    lines = ",\n".join(json.dumps(item, ensure_ascii=False) for item in value)
    (HERE / name).write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def main():
    tokenizer = AutoTokenizer.from_pretrained(HERE / "small")
    assert render_jinja_template([CHAT], chat_template=tokenizer.chat_template, **tokenizer.special_tokens_map)[0][
        0
    ] == tokenizer.apply_chat_template(CHAT, tokenize=False)

    ids = []
    for text in TEXTS:
        plain = tokenizer.encode(text, add_special_tokens=False)
        ids.append(
            {
                "text": text,
                "ids": plain,
                "with_special": tokenizer.encode(text),
                "skipped": tokenizer.decode(plain, skip_special_tokens=True),
            }
        )
    write("ids.json", ids)

    random.seed(0)
    decoded = []
    for _ in range(100):
        some = [random.randrange(len(tokenizer)) for _ in range(random.randrange(1, 12))]
        decoded.append(
            {
                "ids": some,
                "text": tokenizer.decode(some, skip_special_tokens=False),
                "skipped": tokenizer.decode(some, skip_special_tokens=True),
            }
        )
    write("decoded.json", decoded)

    own = tokenizer.special_tokens_map
    conversations = []
    for messages in [CHAT, CHAT[1:], CHAT[:2], [{"role": "tool", "content": "x"}], [{"role": "user", "content": None}]]:
        for prompt in [False, True]:
            text = render(tokenizer.chat_template, messages, add_generation_prompt=prompt, **own)
            conversations.append({"messages": messages, "add_generation_prompt": prompt, "text": text})
    write("conversations.json", conversations)

    habits = [{"messages": CHAT, "m": VALUES}]
    for template in HABITS:
        text = render(template, CHAT, m=VALUES, add_generation_prompt=False, **own)
        habits.append({"template": template, "text": text})
    write("habits.json", habits)


if __name__ == "__main__":
    main()
