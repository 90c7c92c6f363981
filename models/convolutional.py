"""Image models: convolutional networks and the MLP-Mixer.

Networks with batch norm get the running statistics of a random batch; see `modules.calibration`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .registry import model

if TYPE_CHECKING:
    from .registry import Built

CALIBRATION_IMAGES = 4


@model(
    "resnet50",
    "ResNet-50 on 224x224 pixels",
    sizes={
        "tiny": {"stem": 16, "widths": (32, 64, 64, 128), "depths": (1, 1, 1, 1), "pixels": 64, "classes": 10},
        "full": {"stem": 64, "widths": (256, 512, 1024, 2048), "depths": (3, 4, 6, 3), "pixels": 224, "classes": 1000},
    },
)
def resnet50(stem: int, widths: tuple[int, ...], depths: tuple[int, ...], pixels: int, classes: int) -> Built:
    """Pixels (1, 3, pixels, pixels) -> logits (1, classes). Full: arXiv 1512.03385, table 1."""
    import torch
    from transformers import ResNetConfig, ResNetForImageClassification

    from .modules.adapters import Logits
    from .modules.calibration import calibrate_batch_norm

    config = ResNetConfig(
        embedding_size=stem,
        hidden_sizes=list(widths),
        depths=list(depths),
        layer_type="bottleneck",
        num_labels=classes,
    )
    module = Logits(ResNetForImageClassification(config))
    calibrate_batch_norm(module, torch.randn(CALIBRATION_IMAGES, 3, pixels, pixels))
    return module, (torch.randn(1, 3, pixels, pixels),)


@model(
    "mobilenet_v2",
    "MobileNetV2 (width 1.0) on 224x224 pixels",
    sizes={
        "tiny": {"width": 0.25, "pixels": 64, "classes": 10},
        "full": {"width": 1.0, "pixels": 224, "classes": 1001},
    },
)
def mobilenet_v2(width: float, pixels: int, classes: int) -> Built:
    """Pixels (1, 3, pixels, pixels) -> logits (1, classes).

    Full: google/mobilenet_v2_1.0_224 (arXiv 1801.04381, table 2), whose class 0 is the background.
    """
    import torch
    from transformers import MobileNetV2Config, MobileNetV2ForImageClassification

    from .modules.adapters import Logits
    from .modules.calibration import calibrate_batch_norm

    config = MobileNetV2Config(depth_multiplier=width, image_size=pixels, num_labels=classes)
    module = Logits(MobileNetV2ForImageClassification(config))
    calibrate_batch_norm(module, torch.randn(CALIBRATION_IMAGES, 3, pixels, pixels))
    return module, (torch.randn(1, 3, pixels, pixels),)


@model(
    "convnext",
    "ConvNeXt-T on 224x224 pixels",
    sizes={
        "tiny": {"widths": (16, 32, 32, 64), "depths": (1, 1, 1, 1), "pixels": 64, "classes": 10},
        "full": {"widths": (96, 192, 384, 768), "depths": (3, 3, 9, 3), "pixels": 224, "classes": 1000},
    },
)
def convnext(widths: tuple[int, ...], depths: tuple[int, ...], pixels: int, classes: int) -> Built:
    """Pixels (1, 3, pixels, pixels) -> logits (1, classes). Full: ConvNeXt-T (arXiv 2201.03545, section 3).

    The layer scale starts at 1, not at its customary 1e-6 with which an untrained network ignores its blocks.
    """
    import torch
    from transformers import ConvNextConfig, ConvNextForImageClassification

    from .modules.adapters import Logits

    config = ConvNextConfig(
        hidden_sizes=list(widths),
        depths=list(depths),
        num_labels=classes,
        image_size=pixels,
        layer_scale_init_value=1.0,
        initializer_range=widths[-1] ** -0.5,
    )
    module = Logits(ConvNextForImageClassification(config))
    return module, (torch.randn(1, 3, pixels, pixels),)


@model(
    "vgg16",
    "VGG-16 on 224x224 pixels, with its three large fully connected layers",
    sizes={
        "tiny": {"width": 8, "pixels": 32, "features": 64, "classes": 10},
        "full": {"width": 64, "pixels": 224, "features": 4096, "classes": 1000},
    },
)
def vgg16(width: int, pixels: int, features: int, classes: int) -> Built:
    """Pixels (1, 3, pixels, pixels) -> logits (1, classes). Full: configuration D of arXiv 1409.1556, table 1."""
    import torch

    from .modules.vgg import Vgg16

    return Vgg16(width, pixels, features, classes), (torch.randn(1, 3, pixels, pixels),)


@model(
    "unet",
    "U-Net segmentation with four levels on 256x256 pixels",
    sizes={
        "tiny": {"width": 8, "levels": 2, "channels": 1, "classes": 2, "pixels": 32},
        "full": {"width": 64, "levels": 4, "channels": 1, "classes": 2, "pixels": 256},
    },
)
def unet(width: int, levels: int, channels: int, classes: int, pixels: int) -> Built:
    """Pixels (1, channels, pixels, pixels) -> logits (1, classes, pixels, pixels).

    Full: arXiv 1505.04597, figure 1, with padded convolutions, which keep the size, instead of cropping.
    """
    import torch

    from .modules.unet import UNet

    return UNet(width, levels, channels, classes), (torch.randn(1, channels, pixels, pixels),)


@model(
    "mlp_mixer",
    "MLP-Mixer-B/16 on 224x224 pixels",
    sizes={
        "tiny": {
            "layers": 2, "hidden": 64, "token_mlp": 32, "channel_mlp": 256, "pixels": 32, "patch": 8, "classes": 10,
        },
        "full": {
            "layers": 12, "hidden": 768, "token_mlp": 384, "channel_mlp": 3072, "pixels": 224, "patch": 16,
            "classes": 1000,
        },
    },
)  # fmt: skip
def mlp_mixer(
    layers: int, hidden: int, token_mlp: int, channel_mlp: int, pixels: int, patch: int, classes: int
) -> Built:
    """Pixels (1, 3, pixels, pixels) -> logits (1, classes). Full: Mixer-B/16 (arXiv 2105.01601, table 1)."""
    import torch

    from .modules.mlp_mixer import MlpMixer

    module = MlpMixer(layers, hidden, token_mlp, channel_mlp, (pixels // patch) ** 2, patch, classes)
    return module, (torch.randn(1, 3, pixels, pixels),)
