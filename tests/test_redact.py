"""What may be stored: allowed names, and secrets taken out of texts in every shape a job holds them."""

from __future__ import annotations

import pytest

from auditor.redact import Redactor, allowed, withheld

# made up for this test; none was ever valid
FAKE = {
    "github": "ghp_" + "a1B2" * 9,
    "hugging face": "hf_" + "QwErTy" * 5,
    "openai-like": "sk-" + "proj-" + "0aZ9" * 8,
    "aws id": "AKIA" + "ABCD1234EFGH5678",
    "slack": "xoxb-" + "123456789012-abcdefABCDEF",
    "gitlab": "glpat-" + "x9_Y8-z7W6v5U4t3S2",
    "pypi": "pypi-" + "AgEIcHlwaS5vcmcCJ" * 3,
    "jwt": "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0In0." + "c2lnbmF0dXJl",
}


@pytest.mark.parametrize("value", FAKE.values(), ids=FAKE.keys())
@pytest.mark.parametrize(
    "text", ["{}", "token is {} ok", "curl -H 'Authorization: Bearer {}' x", '{{"key": "{}"}}', "--token={}", "{}\n"]
)
def test_a_known_shape_goes_wherever_it_stands(value: str, text: str) -> None:
    assert value not in Redactor().text(text.format(value))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("export DB_PASSWORD=hunter2000", "export DB_PASSWORD=[withheld]"),
        ("export HF_TOKEN='abc def ghi'", "export HF_TOKEN='[withheld]'"),
        ('{"api_key": "0123456789abcdef"}', '{"api_key": "[withheld]"}'),
        ("mysql --password=s3cretpw db", "mysql --password=[withheld] db"),
        ("tool --api-key 0123456789abcdef0123 run", "tool --api-key [withheld] run"),
        ("tool --db-password hunter2", "tool --db-password [withheld]"),
        ("tool -password 'my dog' x", "tool -password '[withheld]' x"),
        ("git clone https://alice:s3cret@example.org/x.git", "git clone https://[withheld]@example.org/x.git"),
        ("postgresql://app:pw123@db/x", "postgresql://[withheld]@db/x"),
        ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG", "aws_secret_access_key = [withheld]"),
        ("password: correct-horse", "password: [withheld]"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----\nnext", "[withheld]\nnext"),
    ],
)
def test_an_assignment_loses_its_value_and_keeps_its_name(before: str, after: str) -> None:
    assert Redactor().text(before) == after


@pytest.mark.parametrize(
    "text",
    [
        "export HF_TOKEN=$MY_TOKEN",
        'export HF_TOKEN="$(cat ~/.token)"',
        "tokenizer = AutoTokenizer.from_pretrained('bert')",
        "for token in tokens: print(token)",
        "--seed 42 --lr 1e-3 --max-tokens 512",
        "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "commit 30cbe38d0a1b2c3d4e5f60718293a4b5c6d7e8f9",
        "docker://registry.example.org/lab/app@sha256:" + "ab" * 32,
        "https://example.org/path?x=1",
        "a key: value table",
        "tool --password $PW --token /run/secrets/t --pad-token '<pad>' --max-token 512",
        """print("token=", os.environ.get("HF_TOKEN"))""",
    ],
)
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert Redactor().text(text) == text


def test_the_value_of_a_secret_variable_goes_even_without_its_name() -> None:
    redactor = Redactor({"WANDB_API_KEY": "zyxwvut98765", "HOME": "/home/alice", "LANG": "C.UTF-8"})
    assert redactor.text("logged in as zyxwvut98765 from /home/alice") == "logged in as [withheld] from /home/alice"


def test_data_is_cleaned_through_and_through() -> None:
    cleaned = Redactor().value({"a": ["x", {"b": "password=hunter2000"}], "n": 3, "none": None})
    assert cleaned == {"a": ["x", {"b": "password=[withheld]"}], "n": 3, "none": None}


def test_an_option_and_its_value_may_be_two_words_of_a_command_line() -> None:
    argv = ("fit.py", "--password", "hunter2", "--token", "$T", "--api-key", "abc def", "--epochs", "30")
    expected = ["fit.py", "--password", "[withheld]", "--token", "$T", "--api-key", "[withheld]", "--epochs", "30"]
    assert Redactor().value(argv) == expected


@pytest.mark.parametrize(
    "name", ["OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "SLURM_JOB_ID", "PATH", "PYTHONHASHSEED", "LOADEDMODULES"]
)
def test_what_changes_results_may_be_stored(name: str) -> None:
    assert allowed(name)


@pytest.mark.parametrize(
    "name",
    [
        "HF_TOKEN",
        "SLURM_JWT",
        "SLURM_JOB_USER",
        "SLURM_JOB_ACCOUNT",
        "SLURM_SUBMIT_HOST",
        "HOME",
        "USER",
        "APPTAINERENV_X",
        "MPICH_SECRET",
    ],
)
def test_identity_and_secrets_may_not(name: str) -> None:
    assert not allowed(name)


def test_withheld_names_are_said() -> None:
    assert withheld(["LANG", "USER", "HF_TOKEN"]) == ("HF_TOKEN", "USER")


def test_a_long_line_is_cleaned_in_linear_time() -> None:
    text = "token_" * 200_000 + "=x" + " password" * 20_000
    assert len(Redactor().text(text)) > 1_000_000


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("db_password", "hunter22", "[withheld]"),
        ("apiKey", "Zx81-long-value", "[withheld]"),
        ("auth-token", "abcdefgh", "[withheld]"),
        ("max_tokens", "4096", "4096"),
        ("token", "true", "true"),
        ("password_file", "/home/ada/.pw", "/home/ada/.pw"),
        ("tokenizer", "bert-base", "bert-base"),
        ("key", "run-1", "run-1"),
        ("learning_rate", "0.001", "0.001"),
    ],
)
def test_a_value_beside_a_name_that_says_secret_is_withheld(name: str, value: str, expected: str) -> None:
    assert Redactor().value({"parameters": {name: value}}) == {"parameters": {name: expected}}
