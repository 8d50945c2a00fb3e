"""The same networks, losses and optimizers written plainly in PyTorch; see README.md beside this.

It starts from the weights of the Keras networks, so that outputs and losses can be compared.
"""

import itertools
import json
import sys
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from train_step_networks import NETWORKS
from turns import make_batch, obey, peak_memory, product_rate, timed

from keras_colorize.config import DiscriminatorConfig, GeneratorConfig
from keras_colorize.models.generator import DEPTH, node_inputs

ACCELERATOR = torch.cuda.is_available()
DEVICE = "cuda" if ACCELERATOR else "cpu"


class Layer(nn.Sequential):
    """[convolution, batch norm, ReLU]; `same` padding as TensorFlow has it."""

    def __init__(self, n: int, width: int, kernel: int, stride: int = 1, *, up: bool = False):
        if up:
            convolution: nn.Module = nn.ConvTranspose2d(n, width, kernel, stride, 1, bias=False)
        else:
            padding = (kernel - stride) // 2
            convolution = nn.Conv2d(n, width, kernel, stride, padding, bias=False)
        super().__init__(convolution, nn.BatchNorm2d(width, eps=1e-3), nn.ReLU(inplace=True))


class Block(nn.Sequential):
    """Three layers of 3x3; the first one may fold its input."""

    def __init__(self, n: int, width: int, fold: int = 1):
        first = Layer(n, width, 3 * fold, fold)
        super().__init__(first, Layer(width, width, 3), Layer(width, width, 3))


class Generator(nn.Module):
    """The improved deep layer aggregation network."""

    def __init__(self, config: GeneratorConfig):
        super().__init__()
        widths, self.nodes = config.widths, node_inputs(config)
        self.layers = nn.ModuleDict()
        for i, width in enumerate(widths):
            if i:
                self.layers[f"encoder_{i}_down"] = Layer(widths[i - 1], width, 4, 2)
            fold, n = (1, width) if i else (config.chroma_stride, 1)
            self.layers[f"encoder_{i}"] = Block(n, width, fold)
        for (i, j), skips in self.nodes.items():
            self.layers[f"node_{i}_{j}_up"] = Layer(widths[i + 1], widths[i], 4, 2, up=True)
            self.layers[f"node_{i}_{j}"] = Block(widths[i] * (1 + len(skips)), widths[i])
        self.layers["ab_scaled"] = nn.Conv2d(widths[0], 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, 1, H, W) -> (B, 2, H/c, W/c)."""
        made = {}
        for i in range(DEPTH + 1):
            x = self.layers[f"encoder_{i}_down"](x) if i else x
            made[i, 0] = x = self.layers[f"encoder_{i}"](x)
        for (i, j), skips in self.nodes.items():
            up = self.layers[f"node_{i}_{j}_up"](made[i + 1, j - 1])
            joined = torch.cat([up, *(made[skip] for skip in skips)], dim=1)
            made[i, j] = self.layers[f"node_{i}_{j}"](joined)
        return torch.tanh(self.layers["ab_scaled"](made[0, DEPTH]))


class Discriminator(nn.Sequential):
    """The patch discriminator."""

    def __init__(self, config: DiscriminatorConfig):
        layers: list[nn.Module] = []
        widths = (3, *config.widths)
        for (n, width), stride in zip(itertools.pairwise(widths), config.strides, strict=True):
            layers += self.same(nn.Conv2d(n, width, 4, stride, (4 - stride) // 2, bias=False))
            layers += nn.BatchNorm2d(width, eps=1e-3), nn.LeakyReLU(0.2, inplace=True)
        last = config.last_kernel
        super().__init__(*layers, *self.same(nn.Conv2d(widths[-1], 1, last, 1, (last - 1) // 2)))

    @staticmethod
    def same(layer: nn.Conv2d) -> tuple[nn.Module, ...]:
        """TensorFlow has the odd pixel of padding on the right and at the bottom."""
        odd = (layer.kernel_size[0] - layer.stride[0]) % 2
        return (nn.ZeroPad2d((0, 1, 0, 1)), layer) if odd else (layer,)

    def forward(self, lightness: torch.Tensor, ab: torch.Tensor) -> torch.Tensor:
        """(B, 1, h, w) and (B, 2, h, w) -> logits."""
        return super().forward(torch.cat([lightness, ab], dim=1))


def load(generator: Generator, discriminator: Discriminator, start: Any) -> None:
    """Takes over the weights of Keras's networks."""
    modules: dict[str, nn.Module] = {}
    for name, module in generator.layers.items():
        if isinstance(module, Block):
            for k, layer in enumerate(module, 1):
                modules[f"generator/{name}_conv_{k}"] = layer[0]
                modules[f"generator/{name}_conv_{k}_bn"] = layer[1]
        elif isinstance(module, Layer):
            modules[f"generator/{name}"] = module[0]
            modules[f"generator/{name}_bn"] = module[1]
        else:
            modules[f"generator/{name}"] = module
    *convolutions, logits = (m for m in discriminator if isinstance(m, nn.Conv2d))
    norms = (m for m in discriminator if isinstance(m, nn.BatchNorm2d))
    for k, (layer, norm) in enumerate(zip(convolutions, norms, strict=True), 1):
        modules[f"discriminator/conv_{k}"] = layer
        modules[f"discriminator/conv_{k}_bn"] = norm
    modules["discriminator/logits"] = logits
    for name, module in modules.items():
        if isinstance(module, nn.BatchNorm2d):
            values = [start[f"{name}/{part}"] for part in ("gamma", "beta")]
        else:
            # (h, w, in, out), of a transposed convolution (h, w, out, in), to (out, in, h, w)
            # and (in, out, h, w).
            values = [start[f"{name}/kernel"].transpose(3, 2, 0, 1)]
            if module.bias is not None:
                values.append(start[f"{name}/bias"])
        for parameter, value in zip(module.parameters(), values, strict=True):
            assert parameter.shape == value.shape, name
            parameter.data = torch.from_numpy(np.ascontiguousarray(value)).to(DEVICE)


def main() -> None:
    """Builds what the task says, and answers `train_step.py`."""
    task = json.loads(sys.argv[1])
    preset = NETWORKS[task["network"]]
    recipe = preset.training
    plain = Generator(preset.generator), Discriminator(preset.discriminator)
    stride, ratio = preset.generator.chroma_stride, recipe.discriminator_rate_ratio
    with np.load(task["start"]) as file:
        start = dict(file)
    load(*plain, start)
    layout = torch.contiguous_format
    if task["variant"] == "channels_last":
        layout = torch.channels_last
    pair = [
        torch.from_numpy(x.transpose(0, 3, 1, 2)) for x in make_batch(task["batch"], task["size"])
    ]
    lightness, ab = (x.to(DEVICE).contiguous(memory_format=layout) for x in pair)
    for network in plain:
        network.to(DEVICE, memory_format=layout)
    generator, discriminator = map(torch.compile, plain) if task["variant"] == "compile" else plain
    optimizers = [
        torch.optim.Adam(network.parameters(), rate, (recipe.beta_1, 0.999), eps=1e-7)
        for network, rate in zip(
            plain, (recipe.learning_rate, recipe.learning_rate * ratio), strict=True
        )
    ]

    def train_step() -> dict[str, torch.Tensor]:
        small, real = (
            functional.avg_pool2d(x, stride) if stride > 1 else x for x in (lightness, ab)
        )
        generated = generator(lightness)
        on_real, on_generated = discriminator(small, real), discriminator(small, generated.detach())
        discriminator_loss = (
            functional.softplus(-on_real).mean() + functional.softplus(on_generated).mean()
        )
        optimizers[1].zero_grad(set_to_none=True)
        discriminator_loss.backward()
        optimizers[1].step()
        plain[1].requires_grad_(False)
        adversarial = functional.softplus(-discriminator(small, generated)).mean()
        l1 = (generated - real).abs().mean()
        loss = adversarial + recipe.l1_weight * l1
        optimizers[0].zero_grad(set_to_none=True)
        loss.backward()
        optimizers[0].step()
        plain[1].requires_grad_(True)
        return {
            "generator_loss": loss.detach(),
            "discriminator_loss": discriminator_loss.detach(),
            "adversarial_loss": adversarial.detach(),
            "l1_loss": l1.detach(),
        }

    def fit() -> dict[str, float]:
        logs = [train_step() for _ in range(task["steps"])]
        return {name: float(sum(log[name] for log in logs)) / len(logs) for name in logs[0]}

    def difference(output: torch.Tensor, expected: Any) -> float:
        return float(np.abs(output.permute(0, 2, 3, 1).cpu().numpy() - expected).max())

    def prepare() -> dict[str, Any]:
        for network in plain:
            network.eval()
        with torch.no_grad():
            small, real = (
                functional.avg_pool2d(x, stride) if stride > 1 else x for x in (lightness, ab)
            )
            differences = (
                difference(plain[0](lightness), start["ab"]),
                difference(plain[1](small, real), start["logits"]),
            )
        for network in plain:
            network.train()
        losses = fit()
        fit()
        count = sum(p.numel() for network in plain for p in network.parameters())
        statistics = sum(
            b.numel()
            for network in plain
            for name, b in network.named_buffers()
            if "running" in name
        )
        return {
            "forward_difference": max(differences),
            "losses": losses,
            "parameters": count + statistics,
        }

    def product(n: int) -> float:
        ones = torch.ones((n, n), device=DEVICE)
        return float((ones @ ones)[0, 0])

    obey(
        {
            "prepare": prepare,
            "run": lambda: {
                **timed(fit),
                "images": task["steps"] * task["batch"],
                "product_gflops": product_rate(product, accelerator=ACCELERATOR),
                "product_dtype": "float32",
            },
            "end": lambda: {
                "memory_gib": peak_memory(),
                "device_gib": torch.cuda.max_memory_allocated() / 2**30 if ACCELERATOR else 0,
            },
        }
    )


if __name__ == "__main__":
    main()
