"""Writes small Parquet files in the layouts that data sets of a hub come in, and their rows as JSON.

    python make_parquet_golden.py
"""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

OUT = Path(__file__).parent.parent / "resources/files/parquet"

MESSAGE = pa.struct([("role", pa.string()), ("content", pa.string())])
CALL = pa.struct(
    [
        ("id", pa.string()),
        ("type", pa.string()),
        ("function", pa.struct([("name", pa.string()), ("arguments", pa.string())])),
    ]
)
TURN = pa.struct(
    [("role", pa.string()), ("content", pa.string()), ("tool_calls", pa.list_(CALL)), ("weight", pa.float64())]
)


def chat(i):
    return [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": f"Größe {i}? 🙂"},
        {"role": "assistant", "content": f"It is {i * i}."},
    ]


def chats(list_type=pa.list_, text=pa.string()):
    message = pa.struct([("role", text), ("content", text)])
    return pa.table(
        {
            "id": pa.array(range(60), pa.int64()),
            "messages": pa.array([chat(i) for i in range(60)], list_type(message)),
            "source": pa.array(["unused"] * 60, pa.string()),
        }
    )


def texts(kind=pa.string()):
    return pa.table({"text": pa.array([f"Line {i}\nand more of it." for i in range(60)], kind)})


def pairs():
    return pa.table(
        {
            "prompt": pa.array([f"What is {i} + 1?" for i in range(9)]),
            "completion": pa.array([None if i == 7 else f" {i + 1}" for i in range(9)]),
        }
    )


def instructions():
    return pa.table(
        {
            "instruction": ["Name it.", "Say yes.", "Say no."],
            "input": pa.array(["white powder", "", None], pa.string()),
            "output": ["flour", "yes", "no"],
        }
    )


def tools():
    call = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
    turns = [
        {"role": "user", "content": "Add.", "tool_calls": None, "weight": None},
        {"role": "assistant", "content": None, "tool_calls": [call], "weight": 1.0},
        {"role": "tool", "content": "2", "tool_calls": [], "weight": 0.5},
        {"role": "assistant", "content": "2", "tool_calls": None, "weight": None},
    ]
    tool = json.dumps([{"type": "function", "function": {"name": "add"}}])
    return pa.table({"messages": pa.array([turns, turns[:1]], pa.list_(TURN)), "tools": pa.array([tool, None])})


def write(name, table, **options):
    pq.write_table(table, OUT / f"{name}.parquet", **options)
    (OUT / f"{name}.rows.json").write_text(json.dumps(table.to_pylist(), ensure_ascii=False) + "\n")


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    write("chat-snappy-row-groups", chats(), row_group_size=7)
    write("chat-zstd-page-v2", chats(), compression="zstd", data_page_version="2.0")
    write("chat-gzip-item", chats(), compression="gzip", use_compliant_nested_type=False)
    write("chat-large", chats(pa.large_list, pa.large_string()), compression="none", use_dictionary=False)
    write("text-lz4-checksums", texts(), compression="lz4", write_page_checksum=True)
    write("text-delta", texts(), use_dictionary=False, column_encoding={"text": "DELTA_BYTE_ARRAY"})
    write("text-lengths", texts(), use_dictionary=False, column_encoding="DELTA_LENGTH_BYTE_ARRAY", version="1.0")
    write("text-dictionary", texts(pa.dictionary(pa.int32(), pa.string())))
    write("pairs-small-pages", pairs(), data_page_size=16, write_batch_size=2)
    write("instructions", instructions())
    write("tools", tools(), data_page_version="2.0", compression="zstd")
    write("empty", texts().slice(0, 0))
    write("other-columns", pa.table({"question": ["a"], "answer": ["b"]}))
    write("text-brotli", texts(), compression="brotli")
    write("text-numbers", pa.table({"text": pa.array([1, 2], pa.int64())}))
    pq.write_table(pa.table({"text": pa.array([b"ok", b"\xff\xfe"], pa.binary())}), OUT / "text-not-utf8.parquet")
    pq.write_table(pa.table({"text": pa.array([b"12345678"] * 2, pa.binary(8))}), OUT / "text-fixed.parquet")


if __name__ == "__main__":
    main()
