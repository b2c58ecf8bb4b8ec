"""Keys of configs that change nothing symroof counts, and why; plain data.

Patterns are verbose regular expressions (white space is ignored) that match whole keys.
"""

import re
from collections.abc import Callable

from symroof.architecture.kinds.attention_variants import RelativeAttention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.kinds.latent_attention import CompressedAttention, LatentAttention
from symroof.architecture.kinds.recurrent import Mamba, Mamba2
from symroof.architecture.kinds.streams import NGrams
from symroof.architecture.structure import Architecture

NUMBERS = "values in a formula whose cost does not depend on them"
# Reason -> keys, for all families.
EVERYWHERE = {
    "names the model, its files or its authors": r"""
        _name_or_path | architectures? | auto_map | transformers_version | transformers\.js_config | license | name
        | version | custom_pipelines | task_specific_params | finetuning_task | base_model.* | model_name.*
        | model_version | tokenizer.* | processor_class | mistral_common.* | unsloth.* | is_llama_config
        | _commit_hash | _from_model_config | language_model_type | _litgpt | _note.* | _source.* | file_name""",
    "ids of tokens and labels": r"""
        .*token_ids? | .*_token | .*token_index | .*_id_to_.* | (begin_)?suppress_tokens | id2label | label2id
        | ignore_index | (im|text|slice)_(start|end|newline)_id | (pad|newline)_id""",
    "generation and outputs, not the cost of a step": r"""
        use_cache | cache_implementation | return_dict(_in_generate)? | return_last_states | use_return_dict
        | output_.* | do_sample | temperature | top_[kp] | typical_p | repetition_penalty | length_penalty
        | diversity_penalty | exponential_decay.* | (max|min)_length | max_new_tokens | num_beams?.*
        | early_stopping | num_return_sequences | (encoder_)?no_repeat.* | bad_words_ids | forced_.*
        | remove_invalid_values | is_decoder | is_encoder_decoder | add_cross_attention
        | cross_attention_hidden_size | tie_encoder_decoder | pruned_heads | chunk_size_feed_forward | torchscript
        | use_bfloat16 | tf_legacy_loss | problem_type | prefix | num_logits_to_keep | summary_.* | pool_type
        | pooling | class_num | add_classification_head | num_reward_heads | mask_value | num_labels""",
    "training": r"""
        .*dropout.* | .*drop_rate | layerdrop | .*_pdrop | initializer.* | .*_initializer_range
        | init_(std|method|scale|device|params.*|config) | .*_init(_.*)? | rms_norm_init.* | rescale.*
        | .*loss_(coef.* | weight | alpha | lambda) | .*aux_loss.* | router_.*loss.* | label_smoothing | seq_aux
        | gradient_checkpointing | pretraining_tp | use_mup | mup_.* | ep_size | moe_router_bias_update.*
        | (router|input)_jitter_noise | moe_drop_tokens | .*_(dt|a_log)_(min|max) | lambda_std_dev""",
    NUMBERS: r"""
        .*_( eps | epsilon | scale | scaling | multipliers? | factor | alpha | beta | coefficient | temperature | limit
           | limits | limits_shared | coef | clip | soft_cap )
        | norm_eps | .*norm_eps(_.*)? | eps | rope_.* | mrope_.* | rotary_( base | emb_base | scaling.* ) | .*_theta
        | .*rotary_embedding_base | compress_rope_parameters | mscale.* | beta_(fast|slow) | factor
        | original_max_position_embeddings | logit_scale | query_pre_attn_scalar | attn_scale | floor_scale
        | dim_model_base | scale_(emb|depth) | time_step_(min|max|floor|limit) | norm_topk_prob | scoring_func
        | topk_method | n_group | topk_group | score_function | expert_selection_fn | moe_norm_min
        | (moe_)?(re)?normali[sz]e.* | moe_renormalize | moe_router_activation(_func)? | num_expert_group
        | use_grouped_topk | group_limited_greedy | norm_expert_weight | norm_softmax | alibi_bias_max
        | scale_attn_.* | .*_lower_bound | altup_active_idx | hc_magnitude | indexer_rope_interleave
        | indexer_rope_.* | moe_apply_router_weight_on_input | mamba_norm_before_gate""",
    "the longest context, which does not change a step": r"""
        max_position_embeddings | max_seq(uence)?_len(gth)? | seq_length | n_positions | n_ctx | model_max_length
        | max_sequence_length | max_window_layers | .*context_length | context_window_size
        | runner_max_sequence_length""",
    "of a part other than the language model": r"""
        .*( vision | visual | image | img | audio | video | speech | projector | mm_ | spatial | patch | talker
          | token2wav | code2wav | whisper | pixel | vit_ | anyres | qformer | perceiver ).*
        | projection_(dim|hidden_size) | (adapter|depth_decoder|vq|slice)_config | num_query_tokens | query_num
        | num_media_embeds | (min|max)_tiles | tile_size | use_thumbnail | downsample_.* | merged_hidden_size
        | merger_times | insert_layer_id | alignment_intermediate_size | density_router_.* | embd_layer
        | out_hidden_size | seconds_per_chunk | position_id_per_seconds | num_channels | num_codebooks | slice_mode
        | use_decoder_only_language_model | language_model_only""",
    "of multi-token prediction layers, counted with --mtp": r"""
        mtp_.* | .*_mtp(_.*)? | num_nextn_predict_layers | chain_hidden_post_norm""",
    "how an implementation runs, not what it computes": r"""
        .*_kernels? | .*_kernels?_.* | use_.*( flash | cache_quantization | kernel | dynamic_ntk | logn ).* | flash_.*
        | _?attn?_impl.* | mamba_ssm_(cache_)?dtype | inference_state_dtype | params_dtype | .*_router_dtype
        | (fp|bf)(32|16)(_.*)? | .*_(in_)?fp32(_.*)? | .*_force_float32 | quantization_bit | kv_cache_.* | use_sdpa
        | head_first | use_cache_.* | onnx_safe | keep_.* | verbose | disable_exllama | save_.* | fused_dense
        | prefill_chunk_size | max_inference_chunksize | moe_shared_expert_overlap | for_llm_compressor
        | use_associative_scan | use_mambapy | use_mem_eff_path | weight_mode | mode | slow_but_exact
        | reorder_and_upcast_attn | shared_expert_combination_strategy | attn_uses_sequence_id | expert_dtype""",
}


def has_none_of(*kinds: type) -> Callable[[Architecture], bool]:
    """A test of whether a model has no sublayer of any of these kinds."""
    return lambda x: not any(isinstance(y.kind, kinds) for y in x.structure.sublayers)


def has_any_of(*kinds: type) -> Callable[[Architecture], bool]:
    """A test of whether a model has a sublayer of any of these kinds."""
    return lambda x: not has_none_of(*kinds)(x)


def has_no_window(x: Architecture) -> bool:
    """Whether no layer has a window."""
    return not any(name == "w" or name.startswith("w_") for name in x.sizes)


# Reason -> keys, and the test of the models for which they change nothing.
WHERE: dict[str, tuple[str, Callable[[Architecture], bool]]] = {
    "no layer has a window": (
        r"(use_)?sliding_window(_size|_pattern)? | local_attention | attention_chunk_size",
        has_no_window,
    ),
    "no layer has a dense network": (r"intermediate_size | dense_intermediate_size", has_none_of(FeedForward)),
    "no layer has experts": (
        r"""num_(local_)?experts(_per_tok)? | top_k_experts | (shared_)?expert_intermediate_size | mlp_only_layers
        | moe_intermediate_size | decoder_sparse_step | shared_expert_intermediate_size""",
        has_none_of(Experts),
    ),
    "no layer is a state space model": (r"mamba_.*", has_none_of(Mamba, Mamba2)),
    "no layer has n-gram embeddings": (
        "ple_.* | ngram_.* | heads_per_ngram | make_ngram_vocab_size_divisible_by",
        has_none_of(NGrams),
    ),
    "sizes of heads are under other keys": (
        "num_key_value_heads | head_dim | qk_head_dim | qk_(nope|rope)_head_dim | v_head_dim | kv_lora_rank",
        has_any_of(LatentAttention, CompressedAttention),
    ),
    "all layers are sparse": (r"layer_types", has_any_of(LatentAttention)),
    "sizes of heads are set per kind of layer": (
        "num_attention_heads | num_key_value_heads | head_dim | rel_extent",
        has_any_of(RelativeAttention),
    ),
}

SET_ELSEWHERE = "set by other keys"  # or the same in all models of the family
UNREAD = "not read by the family's code"
# Families, keys that change a count in other families, and why they change none here: changing them changes nothing in
# transformers 5.23.0, or the only released value agrees with what the family does.
OF_FAMILIES: tuple[tuple[str, str, str], ...] = (
    ("gptj", "rotary", SET_ELSEWHERE),
    ("exaone4.* | exaone_moe", "sliding_window_pattern", SET_ELSEWHERE),
    (
        "lfm2.*",
        r"""block_multiple_of | block_dim | block_use_swiglu | conv_dim(_out)? | use_pos_enc""",
        SET_ELSEWHERE,
    ),
    ("minimax_m1", "postnorm | shared_moe_mode", SET_ELSEWHERE),
    (
        "minimax_m2 | minimax_m3.*",
        r"""use_qk_norm | qk_norm_type | use_routing_bias | shared_intermediate_size
        | attn_type_list | use_gemma_norm | attention_output_gate | hidden_act | n_shared_experts
        | dense_intermediate_size | index_.* | use_sparse_attention | sparse_(disable_index_value|score_type)
        | sparse_local_block | moe_intermediate_size | first_k_dense_replace""",
        SET_ELSEWHERE,
    ),
    ("minimax_m3.*", "rotary_dim", "set by partial_rotary_factor"),
    ("qwen3_moe", "shared_expert_intermediate_size", "0: there is none"),
    ("qwen.*", "use_mrope | qkv_bias | use_qk_norm | attn_output_gate", SET_ELSEWHERE),
    (
        "qwen",
        r"""rotary_pct | activation | apply_residual_connection_post_layernorm | padded_vocab_size
        | pos_emb""",
        SET_ELSEWHERE,
    ),
    ("mimo", "attention_bias | use_mrope", SET_ELSEWHERE),
    ("deepseek_v4", "attention_bias | n_shared_experts | first_k_dense_replace", UNREAD),
    ("deepseek_v32 | glm_moe_dsa | dots3_note.*", "mlp_bias", UNREAD),
    ("glm_moe_dsa", "index_(skip_topk_offset | topk_freq | topk_pattern | share_for_mtp_iteration)", SET_ELSEWHERE),
    ("llama4.*", "intermediate_size_mlp | interleave_moe_layer_step | nope_layer_interval | moe_layers", SET_ELSEWHERE),
    ("chatglm", "apply_residual_connection_post_layernorm | original_rope", SET_ELSEWHERE),
    ("bloom", "apply_residual_connection_post_layernorm", "a sum of one vector or another"),
    ("molmo", "use_position_ids | weight_tying | vocab_size", SET_ELSEWHERE),
    ("starcoder2", "activation_function | mlp_type | norm_type", SET_ELSEWHERE),
    ("gemma2", "hidden_act | sliding_window_size", SET_ELSEWHERE),
    ("gemma4.*", "vocab_size_per_layer_input", "layers have no per-layer inputs"),
    ("granitemoehybrid", "normalization_function | intermediate_size", SET_ELSEWHERE),
    ("bailing_moe", "norm_head", "weights are normalised as they are loaded"),
    ("muse_.*", "final_logit_softcapping", NUMBERS),
    ("phi3 | phi4 | phi4_.*", "attention_bias | mlp_bias | lm_head_bias | full_attn_mod", SET_ELSEWHERE),
    ("phimoe", "moe_intermediate_size", "set by intermediate_size"),
    ("mistral.* | ministral.*", "type", "set by rope_type"),
    ("mpt", "prefix_lm | embedding_fraction | expansion_ratio | learned_pos_emb | no_bias | norm_type", UNREAD),
    (
        "nemotron_h.*",
        r"""attention_bias | expand | mamba_proj_bias | n_shared_experts | tie_word_embeddings
        | sliding_window""",
        UNREAD,
    ),
    ("nemotron_h | mamba2", "time_step_rank", "there is one time step per head"),
    ("mamba | falcon_mamba | falcon_h1", "expand | mamba_expand", "set by intermediate_size"),
    (
        "hunyuan.*",
        r"""dense_list | norm_type | org_vocab_size | position_embedding_xdrope
        | use_rotary_pos_emb""",
        SET_ELSEWHERE,
    ),
    (
        "zamba | zamba2",
        r"""use_conv_bias | use_long_context | kv_channels | num_query_groups | hybrid_layer_ids
        | attn_layer_(period|offset)""",
        SET_ELSEWHERE,
    ),
    ("smollm3", "no_rope_layer_interval", SET_ELSEWHERE),
    ("dbrx", "hidden_size | num_key_value_heads", SET_ELSEWHERE),
    ("gpt_bigcode", "num_key_value_heads", "set by multi_query"),
    ("gpt_neo", "attention_types", "set by attention_layers"),
    ("hrm_text", "L_bp_cycles | prefix_lm", "training"),
    (
        "inkling.*",
        r"""unpadded_vocab_size | shared_expert_sink | number_of_conv_states | intermediate_size
        | hidden_act""",
        UNREAD,
    ),
    ("inkling2.*", ".*_(threshold | softcap | softcapping)", NUMBERS),
    ("laguna", "moe_router_logit_softcapping | gating_types", SET_ELSEWHERE),
    ("xlstm", "chunk_size | add_out_norm", "transformers scans token by token"),
    ("beam | laguna | zaya", "sliding_attention | full_attention | hybrid_sliding", NUMBERS),
    ("mistral4 | deepseek_v2 | mellum", "intermediate_size", "no layer has a dense network"),
    (
        "step3.*",
        r"""use_mfa | use_moe | use_moe_router_bias | moe_(every_n_layer | layer_offset)
        | first_k_dense_replace""",
        SET_ELSEWHERE,
    ),
    ("minimax | unlimited_ocr", "sliding_window | layer_types", UNREAD),
    ("chameleon | fuyu | modernbert-decoder | persimmon | stablelm", "head_dim", UNREAD),
    ("fuyu | modernbert-decoder | persimmon", "num_key_value_heads", UNREAD),
    ("mistral_large4.*", "q_lora_rank", UNREAD),
    (
        r"""audioflamingo3 | cosmos3_edge | inkling2 | inkling_mm_model | kosmos-2\.5 | llama4 | mllama | molmo2
        | muse_spark | musicflamingo | nemotron_h_omni | qwen2_5_omni | qwen2_audio | qwen3_omni_moe
        | vibevoice_asr | voxtral""",
        "tie_word_embeddings",
        UNREAD,
    ),
    ("modernbert-decoder", "local_attention", SET_ELSEWHERE),
    ("opt", "_remove_final_layer_norm", UNREAD),
    ("falcon", "multi_query", "set by new_decoder_architecture"),
    ("cohere_compass_text | dots1 | laguna | mellum", "use_sliding_window", SET_ELSEWHERE),
    (
        "qwen4_exp.*",
        "seed | split_ngram_parts | number_of_conv_states",
        "how an implementation runs, not what it computes",
    ),
    ("kosmos.*", "latent_query_num", "of a part other than the language model"),
)


def verbose_pattern(keys: str) -> re.Pattern[str]:
    """A pattern of whole keys, in which white space is ignored."""
    return re.compile(keys, re.VERBOSE)


PATTERNS = tuple((reason, verbose_pattern(keys)) for reason, keys in EVERYWHERE.items())
STRUCTURAL = tuple((reason, verbose_pattern(keys), holds) for reason, (keys, holds) in WHERE.items())
PECULIAR = tuple((verbose_pattern(families), verbose_pattern(keys), reason) for families, keys, reason in OF_FAMILIES)


def reason_ignored(key: str, value: object, architecture: Architecture) -> str:
    """Why a key changes nothing; empty where that is not known."""
    if value is None or value == [] or value == {}:
        return "null or empty"
    for reason, keys in PATTERNS:
        if keys.fullmatch(key):
            return reason
    for families, keys, reason in PECULIAR:
        if families.fullmatch(architecture.family) and keys.fullmatch(key):
            return reason
    return next((reason for reason, keys, holds in STRUCTURAL if keys.fullmatch(key) and holds(architecture)), "")
