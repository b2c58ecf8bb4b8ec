"""The model types of transformers that are not covered, and why: they are not text decoders that work by themselves.

For some of them transformers 5.23.0 has a class for causal language modelling: of the decoder only, or of an encoder
with a causal mask. No published model is one.
"""

ENCODER = "an encoder, which generates no text"
SEQUENCES = "an encoder-decoder model, not only a decoder"
SPEECH = "an encoder-decoder model for speech recognition"
IMAGES = "an image encoder with a decoder that attends to it"
MUSIC = "it generates audio codes, not text"
DRAFTER = "a draft model, which reads the cache of a larger model"
PERMUTED = "it has two-stream attention over permuted text"

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
    "blt": "it reads bytes in patches, whose number depends on the text",
    "cpmant": "its attention is bidirectional, after a learned prompt",
    "diffusion_gemma": "a diffusion model, which generates many tokens at once in several passes",
    "evolla": "it has cross-attention layers to an encoded protein",
    "idefics": "it has cross-attention layers to encoded images, which need an image",
    "pi0": "it generates actions of a robot, not text",
    "xlnet": PERMUTED,
    "reformer": "its attention depends on hashes of the text, so its cost does too",
}
