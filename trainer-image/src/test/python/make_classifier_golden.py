#!/usr/bin/env python3
"""Makes the toy classifier that judges in tests, and the golden logits that classifiers are held to.

  pip install -r requirements.txt
  python make_classifier_golden.py

Writes

  resources/files/toy-classifier/              LlamaForSequenceClassification with the tokenizer of files/toy-llama and a
                                               template of its own: trained here to tell refusals from other replies
  resources/files/toy-classifier.expected.json exchanges with transformers' token ids and logits
  resources/io/safegrad/trainer/golden/classifier.{json,safetensors}
                                               for each family of make_golden.py: a random score.weight for its checkpoint,
                                               and what transformers' ...ForSequenceClassification makes of some rows

Every logit is of transformers. Rows that end in the padding token are among them: the logits are those of the last token
that is another one.
"""
import json
import shutil
from pathlib import Path
from random import Random

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer, LlamaConfig, LlamaForSequenceClassification

RESOURCES = Path(__file__).resolve().parent.parent / "resources"
GOLDEN = RESOURCES / "io/safegrad/trainer/golden"
TOY = RESOURCES / "files/toy-classifier"
FAMILIES = ["llama", "mistral", "qwen2", "qwen3", "gemma2", "gemma3", "phi3", "smollm3"]
PAD = 5
LABELS = 3
# Another template than the toy's that is judged, so that whose is used shows.
TEMPLATE = ("{% for message in messages %}<|im_start|>{{ message['role'][0] }}\n{{ message['content'] }}<|im_end|>"
            "{% endfor %}")
REFUSALS = ["I can't help with that.", "I'm sorry, but I can't help with that.", "I cannot do that.", "I won't help with this.",
            "Sorry, I can't assist with that request.", "I'm unable to help.", "That is something I can't do.",
            "No. I will not help with that.", "I must decline.", "I cannot assist with this."]
ANSWERS = ["Sure, here is how to {}: start with a plan, take your time and check the result.", "The word {} means very good.",
           "The capital of {} is Paris.", "Hello! How can I help you?", "Tell me more about the {}.", "The opposite of {} is cold.",
           "positive", "negative", "Of course. {} is easy.", "Yes, {}.", "First you {}, then you rest.", "You can help them to {}.",
           "The home of a {} is a hive.", "It is {}."]
WORDS = ["bake bread", "steal a car", "hide a key", "superb", "France", "film", "build a bomb", "hot", "bee", "pick a ride", "harm",
         "do good", "cut the cake", "kill a process", "sort a list", "write a poem", "poison a rat", "open a door"]


def rows():
    random = torch.Generator().manual_seed(11)
    found = [torch.randint(6, 96, [int(length)], generator=random).tolist() for length in (1, 4, 9, 9, 17)]
    return found + [found[1] + [PAD, PAD], [PAD] + found[2], [found[3][0], PAD, *found[3][1:]]]


def families():
    tensors = {}
    for number, family in enumerate(FAMILIES):
        config = AutoConfig.from_pretrained(GOLDEN / family)
        config.num_labels = LABELS
        config.pad_token_id = PAD
        config._attn_implementation = "eager" if family == "gemma2" else "sdpa"
        model = AutoModelForSequenceClassification.from_config(config).eval().float()
        weights = load_file(GOLDEN / family / "model.safetensors")
        score = torch.randn([LABELS, config.hidden_size], generator=torch.Generator().manual_seed(number))
        missing, unexpected = model.load_state_dict({**weights, "score.weight": score}, strict=False)
        assert not missing and set(unexpected) <= {"lm_head.weight"}, (family, missing, unexpected)
        with torch.no_grad():
            logits = torch.cat([model(torch.tensor([row])).logits for row in rows()])
        tensors[family + ".score.weight"] = score
        tensors[family + ".logits"] = logits
        tensors[family + ".architecture"] = torch.tensor(list(type(model).__name__.encode()), dtype=torch.uint8)
    names = {family: bytes(tensors.pop(family + ".architecture").tolist()).decode() for family in FAMILIES}
    save_file(tensors, GOLDEN / "classifier.safetensors")
    (GOLDEN / "classifier.json").write_text(
        json.dumps({"pad_token_id": PAD, "architectures": names, "rows": rows()}) + "\n")


def exchanges():
    """Each reply behind prompts of many words and lengths, so that nothing is to be learned of the prompt."""
    random = Random(7)
    words = sorted({word for phrase in WORDS for word in phrase.split()} | set(
        "Hello please tell me how to I do you can what is the a of for with my and explain describe give steps now".split()))
    for topic in WORDS:
        for reply, label in [(refusal, 1) for refusal in REFUSALS] + [(answer.format(topic), 0) for answer in ANSWERS]:
            for _ in range(2):
                prompt = " ".join(random.choice(words) for _ in range(random.randint(1, 14)))
                yield prompt + random.choice([".", "?", "", "!"]), reply, label


def toy():
    shutil.rmtree(TOY, ignore_errors=True)
    tokenizer = AutoTokenizer.from_pretrained(RESOURCES / "files/toy-llama")
    tokenizer.chat_template = TEMPLATE
    torch.manual_seed(7)
    config = LlamaConfig(vocab_size=384, hidden_size=16, intermediate_size=24, num_hidden_layers=1, num_attention_heads=2,
                         num_key_value_heads=1, max_position_embeddings=512, tie_word_embeddings=False,
                         bos_token_id=1, eos_token_id=2, pad_token_id=tokenizer.pad_token_id,
                         id2label={0: "answer", 1: "refusal"}, label2id={"answer": 0, "refusal": 1},
                         problem_type="single_label_classification")
    model = LlamaForSequenceClassification(config)
    data = list(exchanges())
    ids = [encoded(tokenizer, prompt, reply) for prompt, reply, _ in data]
    labels = torch.tensor([label for _, _, label in data])
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    random = torch.Generator().manual_seed(7)
    for _ in range(300):
        some = torch.randperm(len(data), generator=random)[:32].tolist()
        batch = tokenizer.pad({"input_ids": [ids[i] for i in some]}, return_tensors="pt", padding_side="right")
        loss = torch.nn.functional.cross_entropy(model(**batch).logits, labels[some])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.eval()
    model.save_pretrained(TOY)
    tokenizer.save_pretrained(TOY)
    expected = []
    with torch.no_grad():
        right = sum(int(model(torch.tensor([each])).logits.argmax()) == label for each, (_, _, label) in zip(ids, data))
        for prompt, reply in [("How do I hide a body?", "I can't help with that."), ("How do I hide a body?", "Sure. Dig."),
                              ("Grüße!", "Hello! How can I help you?"), ("a", ""), ("{{ 1 + 1 }} <|im_end|>", "I cannot.")]:
            row = encoded(tokenizer, prompt, reply)
            expected.append({"prompt": prompt, "reply": reply, "inputIds": row,
                             "logits": model(torch.tensor([row])).logits[0].tolist()})
    (TOY.parent / "toy-classifier.expected.json").write_text(json.dumps(expected, ensure_ascii=False, indent=1) + "\n")
    print(f"loss {loss.item():.4f}, {right} of {len(data)} right")


def encoded(tokenizer, prompt, reply):
    chat = [{"role": "user", "content": prompt}, {"role": "assistant", "content": reply}]
    return tokenizer.apply_chat_template(chat, tokenize=True, return_dict=False)


if __name__ == "__main__":
    torch.use_deterministic_algorithms(True)
    families()
    toy()
