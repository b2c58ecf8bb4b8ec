"""The model_types of transformers that are not covered, and why: no decoder of text that stands by itself.

Some of them have a class for causal language modelling in transformers 5.23.0, for the decoder alone or for an
encoder under a causal mask; no published model is one.
"""

ENCODER = "an encoder, which reads a text and writes none"
SEQUENCES = "an encoder and a decoder, not a decoder alone"
SPEECH = "a speech recogniser of an encoder and a decoder"
IMAGES = "an image encoder with a decoder that attends to it"
MUSIC = "a generator of audio codes, not of text"
DRAFTER = "drafts for a larger model, whose cache it reads"
PERMUTED = "attends in two streams over permuted texts"

REFUSED: dict[str, str] = {
    **dict.fromkeys(
        (
            "albert",
            "bert",
            "bert-generation",
            "big_bird",
            "camembert",
            "data2vec-text",
            "deberta",
            "deberta-v2",
            "distilbert",
            "electra",
            "ernie",
            "megatron-bert",
            "modernbert",
            "mpnet",
            "nomic_bert",
            "rembert",
            "roberta",
            "roberta-prelayernorm",
            "roc_bert",
            "roformer",
            "xlm",
            "xlm-roberta",
            "xlm-roberta-xl",
            "xmod",
        ),
        ENCODER,
    ),
    **dict.fromkeys(
        (
            "bart",
            "bigbird_pegasus",
            "blenderbot",
            "blenderbot-small",
            "encoder-decoder",
            "led",
            "longt5",
            "m2m_100",
            "marian",
            "mbart",
            "mt5",
            "mvp",
            "pegasus",
            "plbart",
            "prophetnet",
            "switch_transformers",
            "t5",
            "t5gemma",
            "t5gemma2",
            "umt5",
        ),
        SEQUENCES,
    ),
    **dict.fromkeys(("speech_to_text", "whisper"), SPEECH),
    **dict.fromkeys(
        (
            "blip",
            "florence2",
            "git",
            "pix2struct",
            "pp_formulanet",
            "trocr",
            "udop",
            "vision-encoder-decoder",
        ),
        IMAGES,
    ),
    **dict.fromkeys(("musicgen", "musicgen_melody"), MUSIC),
    **dict.fromkeys(("gemma4_assistant", "gemma4_unified_assistant", "muse_glimmer_assistant"), DRAFTER),
    "blt": "reads bytes in patches whose number depends on the text",
    "cpmant": "reads a text both ways, behind a prompt of its own",
    "diffusion_gemma": "writes a canvas of tokens at once, in several passes over all of it",
    "evolla": "attends to an encoded protein in layers between",
    "idefics": "attends to encoded images in layers between, which need one",
    "pi0": "a policy that writes actions of a robot, not text",
    "xlnet": PERMUTED,
    "reformer": "its attention goes by hashes of what it reads, so its cost depends on the text",
}
