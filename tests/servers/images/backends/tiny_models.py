"""Real pipeline classes with tiny random weights, saved as folders, for testing the backends."""

import json
from pathlib import Path
from typing import Any

import torch

_TEMPLATE = "{% for m in messages %}<|im_start|>{{ m.content }}<|im_end|>{% endfor %}<|im_start|>"


def tiny_klein(folder: Path, seed: int = 0, **call_arguments: object) -> Path:
    """A FLUX.2-klein pipeline of 8 pixels a token: images of 64 x 64 in two steps."""
    from diffusers import AutoencoderKLFlux2, FlowMatchEulerDiscreteScheduler, Flux2KleinPipeline
    from diffusers.models import Flux2Transformer2DModel
    from transformers import Qwen3Config, Qwen3ForCausalLM

    torch.manual_seed(seed)
    vae = AutoencoderKLFlux2(
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        block_out_channels=(8, 8, 8),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=4,
        sample_size=64,
    )
    transformer = Flux2Transformer2DModel(
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        timestep_guidance_channels=16,
        axes_dims_rope=(4, 4, 4, 4),
        guidance_embeds=False,
    )
    text_encoder = Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=300,
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=1,
            head_dim=8,
        )
    )
    pipeline = Flux2KleinPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=vae,
        text_encoder=text_encoder,
        tokenizer=byte_tokenizer(),
        transformer=transformer,
        is_distilled=True,
    )
    pipeline.save_pretrained(folder)
    arguments = {
        "width": 64,
        "height": 64,
        "num_inference_steps": 2,
        "guidance_scale": 1.0,
        "max_sequence_length": 24,
        "text_encoder_out_layers": [1, 2],
        "threads": 1,
    }
    (folder / "call_arguments.json").write_text(json.dumps(arguments | call_arguments))
    return folder


def byte_tokenizer() -> Any:
    """A byte-level tokenizer without merges."""
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import Qwen2Tokenizer

    vocabulary = {symbol: index for index, symbol in enumerate(sorted(ByteLevel.alphabet()))}
    for special in ("<|endoftext|>", "<|im_start|>", "<|im_end|>"):
        vocabulary[special] = len(vocabulary)
    tokenizer = Qwen2Tokenizer(vocab=vocabulary, merges=[])
    tokenizer.chat_template = _TEMPLATE
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    return tokenizer


def tiny_kontext(folder: Path) -> Path:
    """A FLUX.1-Kontext pipeline: images of 32 x 32 in two steps, with its two text encoders."""
    from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, FluxKontextPipeline, FluxTransformer2DModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer, T5Config, T5EncoderModel, T5Tokenizer

    torch.manual_seed(1)
    letters = sorted(set("abcdefghijklmnopqrstuvwxyz0123456789.,"))
    clip_vocabulary = {
        piece: index
        for index, piece in enumerate(
            [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
        )
    }
    t5_vocabulary = [
        ("<pad>", 0.0),
        ("</s>", 0.0),
        ("<unk>", 0.0),
        ("▁", -2.0),
        *((letter, -3.0) for letter in letters),
    ]
    pipeline = FluxKontextPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=AutoencoderKL(
            down_block_types=("DownEncoderBlock2D",) * 2,
            up_block_types=("UpDecoderBlock2D",) * 2,
            block_out_channels=(8, 8),
            latent_channels=4,
            norm_num_groups=4,
            sample_size=32,
            shift_factor=0.1,
            use_quant_conv=False,
            use_post_quant_conv=False,
        ),
        text_encoder=CLIPTextModel(
            CLIPTextConfig(
                vocab_size=len(clip_vocabulary),
                hidden_size=16,
                intermediate_size=32,
                num_hidden_layers=1,
                num_attention_heads=2,
                projection_dim=16,
                eos_token_id=clip_vocabulary["<|endoftext|>"],
                bos_token_id=clip_vocabulary["<|startoftext|>"],
                pad_token_id=clip_vocabulary["<|endoftext|>"],
            )
        ),
        tokenizer=CLIPTokenizer(vocab=clip_vocabulary, merges=[], model_max_length=77),
        text_encoder_2=T5EncoderModel(
            T5Config(vocab_size=len(t5_vocabulary), d_model=32, d_kv=8, d_ff=32, num_layers=1, num_heads=2)
        ),
        tokenizer_2=T5Tokenizer(vocab=t5_vocabulary, extra_ids=0),
        transformer=FluxTransformer2DModel(
            in_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=32,
            pooled_projection_dim=16,
            guidance_embeds=True,
            axes_dims_rope=(4, 4, 8),
        ),
    )
    pipeline.save_pretrained(folder)
    arguments = {
        "width": 32,
        "height": 32,
        "num_inference_steps": 2,
        "guidance_scale": 2.5,
        "max_sequence_length": 24,
        # The real model scales its sources to about a megapixel; this one does not.
        "edit_arguments": {"_auto_resize": False},
    }
    (folder / "call_arguments.json").write_text(json.dumps(arguments))
    return folder


def tiny_qwen_pair(folder: Path) -> Path:
    """A Qwen-Image-Edit-Plus pipeline that edits, and beside it a Qwen-Image pipeline that generates from text."""
    from diffusers import (
        AutoencoderKLQwenImage,
        FlowMatchEulerDiscreteScheduler,
        QwenImageEditPlusPipeline,
        QwenImagePipeline,
        QwenImageTransformer2DModel,
    )
    from transformers import (
        Qwen2_5_VLConfig,
        Qwen2_5_VLForConditionalGeneration,
        Qwen2VLImageProcessor,
        Qwen2VLProcessor,
        Qwen2VLVideoProcessor,
    )

    torch.manual_seed(2)
    tokenizer = byte_tokenizer()
    seen = ["<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>", *seen]})
    start, end, image, video = (tokenizer.convert_tokens_to_ids(token) for token in seen)
    text = {
        "vocab_size": 300,
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "rope_scaling": {"type": "default", "mrope_section": [1, 1, 2], "rope_type": "default"},
        "rope_theta": 10000.0,
    }
    vision = {
        "depth": 1,
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_heads": 2,
        "out_hidden_size": 16,
        "fullatt_block_indexes": [0],
    }
    encoder = Qwen2_5_VLForConditionalGeneration(
        Qwen2_5_VLConfig(
            text_config=text,
            vision_config=vision,
            image_token_id=image,
            video_token_id=video,
            vision_start_token_id=start,
            vision_end_token_id=end,
        )
    )
    vae = AutoencoderKLQwenImage(
        base_dim=8,
        z_dim=4,
        dim_mult=[1, 1, 1, 1],
        num_res_blocks=1,
        temperal_downsample=[False, True, True],
        latents_mean=[0.0] * 4,
        latents_std=[1.0] * 4,
    )

    def transformer() -> Any:
        return QwenImageTransformer2DModel(
            in_channels=16,
            out_channels=4,
            num_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=16,
            axes_dims_rope=(8, 4, 4),
        )

    shared = {
        "scheduler": FlowMatchEulerDiscreteScheduler(),
        "vae": vae,
        "text_encoder": encoder,
        "tokenizer": tokenizer,
    }
    processor = Qwen2VLProcessor(
        image_processor=Qwen2VLImageProcessor(min_pixels=28 * 28, max_pixels=56 * 56),
        tokenizer=tokenizer,
        video_processor=Qwen2VLVideoProcessor(),
        chat_template=_TEMPLATE,
    )
    QwenImagePipeline(**shared, transformer=transformer()).save_pretrained(folder / "generates")
    QwenImageEditPlusPipeline(**shared, processor=processor, transformer=transformer()).save_pretrained(
        folder / "edits"
    )
    settings = {"num_inference_steps": 2, "width": 32, "height": 32, "generate_with": str(folder / "generates")}
    (folder / "edits" / "call_arguments.json").write_text(json.dumps(settings))
    return folder / "edits"
