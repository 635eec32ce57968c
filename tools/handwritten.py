"""Networks that are neither in torchvision nor in timm, written out in the shapes that people export: small, with random weights.

`architectures.py` makes them by their names (`own_NAME`), each of a function here.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F


class UNet3d(nn.Module):
    """Volumes down two levels and up again, with joined skips."""

    def __init__(self):
        super().__init__()
        self.down = nn.ModuleList([self.block(1, 8), self.block(8, 16), self.block(16, 32)])
        self.up = nn.ModuleList([nn.ConvTranspose3d(32, 16, 2, 2), nn.ConvTranspose3d(16, 8, 2, 2)])
        self.joined = nn.ModuleList([self.block(32, 16), self.block(16, 8)])
        self.head = nn.Conv3d(8, 3, 1)

    @staticmethod
    def block(inputs, outputs):
        layers = [nn.Conv3d(inputs, outputs, 3, padding=1), nn.InstanceNorm3d(outputs, affine=True), nn.LeakyReLU(0.01)]
        return nn.Sequential(*layers, nn.Conv3d(outputs, outputs, 3, padding=1), nn.InstanceNorm3d(outputs, affine=True), nn.LeakyReLU(0.01))

    def forward(self, x):
        skips = []
        for index, block in enumerate(self.down):
            x = block(F.max_pool3d(x, 2) if index else x)
            skips.append(x)
        for up, joined, skip in zip(self.up, self.joined, skips[-2::-1]):
            x = joined(torch.cat([up(x), skip], 1))
        return self.head(x).softmax(1)


class Crnn(nn.Module):
    """Lines of text: convolutions, then two recurrent layers in both directions, and scores for CTC."""

    def __init__(self, recurrent):
        super().__init__()
        stages, inputs = [], 1
        for outputs, pool in [(32, (2, 2)), (64, (2, 2)), (128, (2, 1)), (128, (2, 1))]:
            stages += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(pool)]
            inputs = outputs
        self.features = nn.Sequential(*stages, nn.Conv2d(128, 128, (2, 1)), nn.ReLU())
        self.recurrent = recurrent(128, 64, num_layers=2, bidirectional=True)
        self.head = nn.Linear(128, 37)

    def forward(self, x):
        columns = self.features(x).squeeze(2).permute(2, 0, 1)
        return self.head(self.recurrent(columns)[0]).log_softmax(2)


class SqueezeExcite(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.reduce, self.expand = nn.Conv2d(channels, channels // 4, 1), nn.Conv2d(channels // 4, channels, 1)

    def forward(self, x):
        return x * F.hardsigmoid(self.expand(F.relu(self.reduce(F.adaptive_avg_pool2d(x, 1)))))


class DbNet(nn.Module):
    """A detector of text: MobileNetV3, a pyramid of features with attention, and a head of transposed convolutions that binarises."""

    def __init__(self):
        super().__init__()
        import timm

        self.backbone = timm.create_model("mobilenetv3_small_100", pretrained=False, features_only=True, out_indices=(1, 2, 3, 4))
        channels = self.backbone.feature_info.channels()
        self.lateral = nn.ModuleList(nn.Conv2d(count, 96, 1, bias=False) for count in channels)
        self.smooth = nn.ModuleList(nn.Conv2d(96, 24, 3, padding=1, bias=False) for _ in channels)
        self.attend = nn.ModuleList(SqueezeExcite(24) for _ in channels)
        layers = [nn.Conv2d(96, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(), nn.ConvTranspose2d(24, 24, 2, 2), nn.BatchNorm2d(24)]
        self.head = nn.Sequential(*layers, nn.ReLU(), nn.ConvTranspose2d(24, 1, 2, 2), nn.Sigmoid())

    def forward(self, x):
        features = [lateral(feature) for lateral, feature in zip(self.lateral, self.backbone(x))]
        for index in range(len(features) - 2, -1, -1):
            features[index] = features[index] + F.interpolate(features[index + 1], scale_factor=2.0, mode="nearest")
        parts = []
        for index, (smooth, attend, feature) in enumerate(zip(self.smooth, self.attend, features)):
            smoothed = smooth(feature)
            parts.append(F.interpolate(smoothed + attend(smoothed), scale_factor=float(2**index), mode="nearest"))
        return self.head(torch.cat(parts[::-1], 1))


class SvtrLcnet(nn.Module):
    """Lines of text: depthwise convolutions, two blocks of attention over the columns, and scores for CTC."""

    def __init__(self):
        super().__init__()
        layers, inputs = [nn.Conv2d(3, 16, 3, 2, 1), nn.Hardswish()], 16
        for outputs, stride in [(32, (1, 1)), (64, (2, 1)), (64, (1, 1)), (128, (2, 1)), (128, (1, 2))]:
            layers += [nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs), nn.BatchNorm2d(inputs), nn.Hardswish()]
            layers += [nn.Conv2d(inputs, outputs, 1), nn.BatchNorm2d(outputs), nn.Hardswish(), SqueezeExcite(outputs)]
            inputs = outputs
        self.features = nn.Sequential(*layers, nn.AvgPool2d((2, 2)))
        self.reduce = nn.Conv2d(128, 64, (1, 3), padding=(0, 1))
        self.blocks = nn.Sequential(*(Block(64, 4) for _ in range(2)))
        self.joined = nn.Conv2d(192, 64, (1, 3), padding=(0, 1))
        self.head = nn.Linear(64, 97)

    def forward(self, x):
        features = self.features(x)
        reduced = F.silu(self.reduce(features))
        batch, channels, height, width = reduced.shape
        tokens = self.blocks(reduced.flatten(2).transpose(1, 2))
        image = tokens.transpose(1, 2).reshape(batch, channels, height, width)
        joined = F.silu(self.joined(torch.cat([features, image], 1))).mean(2)
        return self.head(joined.transpose(1, 2)).softmax(2)


class Attention(nn.Module):
    def __init__(self, width, heads, is_causal=False):
        super().__init__()
        self.heads, self.is_causal = heads, is_causal
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x, mask=None):
        batch, length, width = x.shape
        q, k, v = self.qkv(x).view(batch, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=self.is_causal)
        return self.out(mixed.transpose(1, 2).reshape(batch, length, width))


class Block(nn.Module):
    """A layer of a transformer, with norms before."""

    def __init__(self, width, heads, is_causal=False):
        super().__init__()
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
        self.attention = Attention(width, heads, is_causal)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x):
        x = x + self.attention(self.norms[0](x))
        return x + self.mlp(self.norms[1](x))


class Decoder(nn.Module):
    """GPT: tokens to scores of the next ones."""

    def __init__(self):
        super().__init__()
        self.tokens, self.places = nn.Embedding(211, 64), nn.Embedding(128, 64)
        self.blocks = nn.Sequential(*(Block(64, 4, is_causal=True) for _ in range(3)))
        self.norm, self.head = nn.LayerNorm(64), nn.Linear(64, 211, bias=False)

    def forward(self, ids):
        x = self.tokens(ids) + self.places(torch.arange(ids.shape[1]))
        return self.head(self.norm(self.blocks(x)))


class Encoder(nn.Module):
    """BERT: tokens, the segments that they are in, and which of them count."""

    def __init__(self):
        super().__init__()
        self.tokens, self.segments, self.places = nn.Embedding(211, 64), nn.Embedding(2, 64), nn.Embedding(128, 64)
        self.norm = nn.LayerNorm(64)
        layer = nn.TransformerEncoderLayer(64, 4, 128, activation="gelu", batch_first=True)
        self.layers = nn.TransformerEncoder(layer, 3, enable_nested_tensor=False)
        self.pool = nn.Linear(64, 64)

    def forward(self, ids, segments, counts):
        x = self.norm(self.tokens(ids) + self.segments(segments) + self.places(torch.arange(ids.shape[1])))
        x = self.layers(x, src_key_padding_mask=counts == 0)
        return x, self.pool(x[:, 0]).tanh()


class NafBlock(nn.Module):
    class Norm(nn.LayerNorm):
        def forward(self, x):
            return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)

    def __init__(self, width):
        super().__init__()
        self.norms = nn.ModuleList([self.Norm(width), self.Norm(width)])
        self.expand, self.depthwise = nn.Conv2d(width, 2 * width, 1), nn.Conv2d(2 * width, 2 * width, 3, padding=1, groups=2 * width)
        self.weigh, self.project = nn.Conv2d(width, width, 1), nn.Conv2d(width, width, 1)
        self.widen, self.narrow = nn.Conv2d(width, 2 * width, 1), nn.Conv2d(width, width, 1)
        self.scales = nn.Parameter(torch.full((2, 1, width, 1, 1), 0.5))

    @staticmethod
    def gate(x):
        one, other = x.chunk(2, 1)
        return one * other

    def forward(self, x):
        gated = self.gate(self.depthwise(self.expand(self.norms[0](x))))
        x = x + self.scales[0] * self.project(gated * self.weigh(F.adaptive_avg_pool2d(gated, 1)))
        return x + self.scales[1] * self.narrow(self.gate(self.widen(self.norms[1](x))))


class NafNet(nn.Module):
    """Restores pictures: gates in place of activations, and pixels that are shuffled on the way up."""

    def __init__(self):
        super().__init__()
        widths = [16, 32, 64]
        self.intro, self.outro = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 3, 3, padding=1)
        self.encoders = nn.ModuleList(NafBlock(width) for width in widths)
        self.downs = nn.ModuleList(nn.Conv2d(width, 2 * width, 2, 2) for width in widths)
        self.middle = NafBlock(128)
        self.ups = nn.ModuleList(nn.Sequential(nn.Conv2d(2 * width, 4 * width, 1, bias=False), nn.PixelShuffle(2)) for width in widths[::-1])
        self.decoders = nn.ModuleList(NafBlock(width) for width in widths[::-1])

    def forward(self, picture):
        height, width = picture.shape[2:]
        padded = F.pad(picture, (0, -width % 8, 0, -height % 8))
        x, skips = self.intro(padded), []
        for encoder, down in zip(self.encoders, self.downs):
            x = encoder(x)
            skips.append(x)
            x = down(x)
        x = self.middle(x)
        for up, decoder, skip in zip(self.ups, self.decoders, skips[::-1]):
            x = decoder(up(x) + skip)
        return (self.outro(x) + padded)[:, :, :height, :width]


class VoiceNet(nn.Module):
    """Whether somebody speaks, at one of two rates: a spectrum, convolutions, and an LSTM whose state goes in and out."""

    class Branch(nn.Module):
        def __init__(self, window: int):
            super().__init__()
            self.window = window
            self.spectrum = nn.Conv1d(1, window + 2, window, window // 2, bias=False)
            self.encoder = nn.Sequential(nn.Conv1d(window // 2 + 1, 32, 3, padding=1), nn.ReLU(), nn.Conv1d(32, 32, 3, 2, 1), nn.ReLU())
            self.recurrent = nn.LSTM(32, 32)
            self.head = nn.Conv1d(32, 1, 1)

        def forward(self, x, state):
            padded = F.pad(x.unsqueeze(1), [0, self.window // 4], "reflect")
            real, imaginary = self.spectrum(padded).chunk(2, 1)
            encoded = self.encoder((real * real + imaginary * imaginary).sqrt())
            mixed, (hidden, cell) = self.recurrent(encoded.permute(2, 0, 1), (state[0:1], state[1:2]))
            score = self.head(mixed.permute(1, 2, 0).relu()).sigmoid().mean(2)
            return score, torch.cat([hidden, cell])

    def __init__(self):
        super().__init__()
        self.fine, self.coarse = self.Branch(64), self.Branch(32)

    def forward(self, x, state, rate):
        if bool(rate > 8000):
            score, state = self.fine(x, state)
        else:
            score, state = self.coarse(x, state)
        return score, state


class Espcn(nn.Module):
    def __init__(self):
        super().__init__()
        layers = [nn.Conv2d(1, 64, 5, padding=2), nn.Tanh(), nn.Conv2d(64, 32, 3, padding=1), nn.Tanh()]
        self.layers = nn.Sequential(*layers, nn.Conv2d(32, 9, 3, padding=1), nn.PixelShuffle(3))

    def forward(self, x):
        return self.layers(x).clamp(0, 1)


class Edsr(nn.Module):
    def __init__(self):
        super().__init__()
        self.head, self.tail = nn.Conv2d(3, 32, 3, padding=1), nn.Conv2d(32, 32, 3, padding=1)
        self.blocks = nn.ModuleList(nn.Sequential(nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 32, 3, padding=1)) for _ in range(4))
        self.up = nn.Sequential(nn.Conv2d(32, 128, 3, padding=1), nn.PixelShuffle(2), nn.Conv2d(32, 3, 3, padding=1))
        self.register_buffer("mean", torch.tensor([0.4488, 0.4371, 0.4040]).view(1, 3, 1, 1))

    def forward(self, x):
        first = x = self.head(x - self.mean)
        for block in self.blocks:
            x = x + 0.1 * block(x)
        return self.up(self.tail(x) + first) + self.mean


class Rrdb(nn.Module):
    """Real-ESRGAN's generator: dense blocks within residual ones within residual ones."""

    class Dense(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList(nn.Conv2d(32 + 16 * index, 32 if index == 4 else 16, 3, padding=1) for index in range(5))

        def forward(self, x):
            parts = [x]
            for layer in self.layers[:4]:
                parts.append(F.leaky_relu(layer(torch.cat(parts, 1)), 0.2))
            return x + 0.2 * self.layers[4](torch.cat(parts, 1))

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Conv2d(3, 32, 3, padding=1), nn.Conv2d(32, 3, 3, padding=1)
        self.blocks = nn.ModuleList(nn.Sequential(*(self.Dense() for _ in range(3))) for _ in range(2))
        self.body, self.ups = nn.Conv2d(32, 32, 3, padding=1), nn.ModuleList(nn.Conv2d(32, 32, 3, padding=1) for _ in range(2))

    def forward(self, x):
        first = x = self.first(x)
        for block in self.blocks:
            x = x + 0.2 * block(x)
        x = first + self.body(x)
        for up in self.ups:
            x = F.leaky_relu(up(F.interpolate(x, scale_factor=2, mode="nearest")), 0.2)
        return self.last(x)


class Wav2vec(nn.Module):
    """Speech as it was recorded: convolutions of long strides, places by a convolution of many groups, and a transformer."""

    def __init__(self):
        super().__init__()
        layers, inputs = [], 1
        for kernel, stride in [(10, 5), (3, 2), (3, 2), (3, 2), (2, 2)]:
            norm = [nn.GroupNorm(64, 64)] if inputs == 1 else []
            layers += [nn.Conv1d(inputs, 64, kernel, stride, bias=False), *norm, nn.GELU()]
            inputs = 64
        self.features = nn.Sequential(*layers)
        self.places = nn.utils.parametrizations.weight_norm(nn.Conv1d(64, 64, 32, padding=16, groups=8), dim=2)
        self.blocks = nn.Sequential(*(Block(64, 4) for _ in range(2)))
        self.head = nn.Linear(64, 32)

    def forward(self, x):
        x = self.features(((x - x.mean(1, keepdim=True)) / (x.var(1, keepdim=True) + 1e-5).sqrt()).unsqueeze(1))
        x = x + F.gelu(self.places(x)[:, :, :-1])
        return self.head(self.blocks(x.transpose(1, 2))).log_softmax(2)


class Ecapa(nn.Module):
    """Who speaks: Res2Net blocks along time, and statistics weighted by attention."""

    class Res2(nn.Module):
        def __init__(self, dilation):
            super().__init__()
            self.first, self.last = nn.Conv1d(64, 64, 1), nn.Conv1d(64, 64, 1)
            self.parts = nn.ModuleList(nn.Conv1d(16, 16, 3, padding=dilation, dilation=dilation) for _ in range(3))
            self.excite = nn.Sequential(nn.AdaptiveAvgPool1d(1), nn.Conv1d(64, 16, 1), nn.ReLU(), nn.Conv1d(16, 64, 1), nn.Sigmoid())

        def forward(self, x):
            first, *others = self.first(x).relu().chunk(4, 1)
            done = [first]
            for part, other in zip(self.parts, others):
                done.append(part(other if len(done) == 1 else other + done[-1]).relu())
            mixed = self.last(torch.cat(done, 1)).relu()
            return x + mixed * self.excite(mixed)

    def __init__(self):
        super().__init__()
        self.first = nn.Conv1d(40, 64, 5, padding=2)
        self.blocks = nn.ModuleList(self.Res2(dilation) for dilation in (2, 3, 4))
        self.mixed = nn.Conv1d(192, 96, 1)
        self.attend = nn.Sequential(nn.Conv1d(288, 32, 1), nn.Tanh(), nn.Conv1d(32, 96, 1), nn.Softmax(2))
        self.norm, self.head = nn.BatchNorm1d(192), nn.Linear(192, 48)

    def forward(self, x):
        x, done = self.first(x).relu(), []
        for block in self.blocks:
            x = block(x)
            done.append(x)
        x = self.mixed(torch.cat(done, 1)).relu()
        spread = x.std(2, keepdim=True).expand_as(x)
        weights = self.attend(torch.cat([x, x.mean(2, keepdim=True).expand_as(x), spread], 1))
        mean = (x * weights).sum(2)
        spread = ((x * x * weights).sum(2) - mean * mean).clamp(min=1e-5).sqrt()
        return F.normalize(self.head(self.norm(torch.cat([mean, spread], 1))))


class Conformer(nn.Module):
    """A block of attention with relative places, between two halves of a feed-forward layer, and a gated convolution."""

    def __init__(self):
        super().__init__()
        self.halves = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(64), nn.Linear(64, 128), nn.SiLU(), nn.Linear(128, 64)) for _ in range(2)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(64) for _ in range(3))
        self.query, self.key, self.value, self.place, self.out = (nn.Linear(64, 64) for _ in range(5))
        self.biases = nn.Parameter(torch.randn(2, 4, 1, 16) * 0.1)
        self.widen, self.depthwise = nn.Conv1d(64, 128, 1), nn.Conv1d(64, 64, 15, padding=7, groups=64)
        self.norm, self.narrow = nn.BatchNorm1d(64), nn.Conv1d(64, 64, 1)

    def heads(self, x):
        return x.view(x.shape[0], x.shape[1], 4, 16).transpose(1, 2)

    def attention(self, x):
        length = x.shape[1]
        distance = torch.arange(length - 1, -length, -1, dtype=torch.float32).unsqueeze(1)
        rates = torch.exp(torch.arange(0, 64, 2, dtype=torch.float32) * (-math.log(10000.0) / 64))
        places = self.heads(self.place(torch.cat([torch.sin(distance * rates), torch.cos(distance * rates)], 1)).unsqueeze(0))
        query, key, value = self.heads(self.query(x)), self.heads(self.key(x)), self.heads(self.value(x))
        moved = (query + self.biases[1]) @ places.transpose(2, 3)
        batch, heads, _, count = moved.shape
        moved = F.pad(moved, (1, 0)).view(batch, heads, count + 1, length)[:, :, 1:].reshape(batch, heads, length, count)[..., :length]
        weights = (((query + self.biases[0]) @ key.transpose(2, 3) + moved) / 4).softmax(3)
        return self.out((weights @ value).transpose(1, 2).reshape(batch, length, 64))

    def forward(self, x):
        x = x + 0.5 * self.halves[0](x)
        x = x + self.attention(self.norms[0](x))
        gated = F.glu(self.widen(self.norms[1](x).transpose(1, 2)), 1)
        x = x + self.narrow(F.silu(self.norm(self.depthwise(gated)))).transpose(1, 2)
        return self.norms[2](x + 0.5 * self.halves[1](x))


class HifiGan(nn.Module):
    """A vocoder: spectra to samples by transposed convolutions, with blocks of dilated ones between."""

    def __init__(self):
        super().__init__()
        norm = nn.utils.parametrizations.weight_norm
        self.first, self.last = norm(nn.Conv1d(40, 64, 7, padding=3)), norm(nn.Conv1d(16, 1, 7, padding=3))
        rates = [(8, 16, 64, 32), (4, 8, 32, 16)]
        self.ups = nn.ModuleList(norm(nn.ConvTranspose1d(i, o, kernel, rate, (kernel - rate) // 2)) for rate, kernel, i, o in rates)
        self.blocks = nn.ModuleList(
            nn.ModuleList(norm(nn.Conv1d(o, o, kernel, padding=(kernel - 1) // 2 * d, dilation=d)) for kernel in (3, 7) for d in (1, 3))
            for *_, o in rates
        )

    def forward(self, x):
        x = self.first(x)
        for up, block in zip(self.ups, self.blocks):
            x = up(F.leaky_relu(x, 0.1))
            for layer in block:
                x = x + layer(F.leaky_relu(x, 0.1))
        return self.last(F.leaky_relu(x, 0.1)).tanh()


class WaveNet(nn.Module):
    """Causal convolutions of growing dilation, each behind a gate."""

    def __init__(self):
        super().__init__()
        self.first, self.dilations = nn.Conv1d(1, 32, 1), [1, 2, 4, 8, 16, 32]
        self.layers = nn.ModuleList(nn.Conv1d(32, 64, 2, dilation=dilation) for dilation in self.dilations)
        self.residuals, self.skips = (nn.ModuleList(nn.Conv1d(32, 32, 1) for _ in self.dilations) for _ in range(2))
        self.head = nn.Sequential(nn.ReLU(), nn.Conv1d(32, 64, 1), nn.ReLU(), nn.Conv1d(64, 256, 1))

    def forward(self, x):
        x, total = self.first(x), 0
        for dilation, layer, residual, skip in zip(self.dilations, self.layers, self.residuals, self.skips):
            filtered, gate = layer(F.pad(x, (dilation, 0))).chunk(2, 1)
            gated = filtered.tanh() * gate.sigmoid()
            total, x = total + skip(gated), x + residual(gated)
        return self.head(total)


class BiSeNet(nn.Module):
    """A path of details and one of contexts, joined by attention over channels."""

    def __init__(self):
        super().__init__()
        import torchvision

        body = torchvision.models.resnet18(weights=None)
        self.stem = nn.Sequential(body.conv1, body.bn1, body.relu, body.maxpool, body.layer1, body.layer2)
        self.deep, self.deepest = body.layer3, body.layer4
        self.spatial = nn.Sequential(*(layer for i, o in [(3, 32), (32, 64), (64, 64)] for layer in (nn.Conv2d(i, o, 3, 2, 1), nn.BatchNorm2d(o), nn.ReLU())))
        self.refine = nn.ModuleList([nn.Conv2d(256, 64, 3, padding=1), nn.Conv2d(512, 64, 3, padding=1)])
        self.attend = nn.ModuleList([SqueezeExcite(64), SqueezeExcite(64)])
        self.tail, self.joined, self.excite, self.head = nn.Conv2d(512, 64, 1), nn.Conv2d(128, 64, 1), SqueezeExcite(64), nn.Conv2d(64, 19, 1)

    def forward(self, x):
        deep = self.deep(self.stem(x))
        deepest = self.deepest(deep)
        context = self.attend[1](self.refine[1](deepest)) + self.tail(deepest.mean((2, 3), keepdim=True))
        context = self.attend[0](self.refine[0](deep)) + F.interpolate(context, size=deep.shape[2:], mode="nearest")
        spatial = self.spatial(x)
        context = F.interpolate(context, size=spatial.shape[2:], mode="bilinear", align_corners=True)
        joined = F.relu(self.joined(torch.cat([spatial, context], 1)))
        return F.interpolate(self.head(joined + self.excite(joined)), size=x.shape[2:], mode="bilinear", align_corners=False)


class DepthAnything(nn.Module):
    """DINOv2's tokens of four depths, made images of four sizes and joined from the smallest on."""

    def __init__(self):
        super().__init__()
        import timm

        self.backbone = timm.create_model("vit_small_patch14_dinov2", pretrained=False, img_size=112, depth=4)
        resizes = [nn.ConvTranspose2d(64, 64, 4, 4), nn.ConvTranspose2d(64, 64, 2, 2), nn.Identity(), nn.Conv2d(64, 64, 3, 2, 1)]
        self.project, self.resizes = nn.ModuleList(nn.Conv2d(384, 64, 1) for _ in range(4)), nn.ModuleList(resizes)
        self.smooth = nn.ModuleList(nn.Conv2d(64, 64, 3, padding=1) for _ in range(4))
        self.head = nn.Sequential(nn.Conv2d(64, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 1, 1), nn.ReLU())

    def forward(self, x):
        features = self.backbone.forward_intermediates(x, indices=[0, 1, 2, 3], intermediates_only=True)
        features = [resize(project(feature)) for resize, project, feature in zip(self.resizes, self.project, features)]
        joined = None
        for smooth, feature in zip(self.smooth, features[::-1]):
            if joined is not None:
                feature = feature + F.interpolate(joined, size=feature.shape[2:], mode="bilinear", align_corners=True)
            joined = feature + smooth(F.relu(feature))
        return F.interpolate(self.head(joined), size=x.shape[2:], mode="bilinear", align_corners=True).squeeze(1)


class Detr(nn.Module):
    """Boxes from queries: a ResNet, a transformer, and two heads."""

    def __init__(self):
        super().__init__()
        import torchvision

        self.body = nn.Sequential(*list(torchvision.models.resnet18(weights=None).children())[:-2])
        self.project = nn.Conv2d(512, 64, 1)
        self.transformer = nn.Transformer(64, 4, 2, 2, 128, batch_first=True)
        self.queries = nn.Parameter(torch.rand(20, 64))
        self.rows, self.columns = nn.Parameter(torch.rand(50, 32)), nn.Parameter(torch.rand(50, 32))
        self.classes = nn.Linear(64, 12)
        self.boxes = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4), nn.Sigmoid())

    def forward(self, x):
        features = self.project(self.body(x))
        height, width = features.shape[2:]
        columns, rows = self.columns[:width].unsqueeze(0).repeat(height, 1, 1), self.rows[:height].unsqueeze(1).repeat(1, width, 1)
        places = torch.cat([columns, rows], 2).flatten(0, 1).unsqueeze(0)
        decoded = self.transformer(places + features.flatten(2).transpose(1, 2), self.queries.unsqueeze(0).expand(x.shape[0], -1, -1))
        return self.classes(decoded).softmax(2), self.boxes(decoded)


class ChannelsLast(nn.Module):
    """A small network as TensorFlow's exporters write it: images of `[N, H, W, C]`, transposed around every convolution."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Conv2d(3, 16, 3, 2), nn.Conv2d(16, 16, 3, 1, 1, groups=16), nn.Conv2d(16, 32, 1)])
        self.head = nn.Linear(32, 10)

    def forward(self, x):
        x = F.pad(x, (0, 0, 0, 1, 0, 1))
        for layer in self.layers:
            x = layer(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
            x = F.relu6(x * 1.5 + 0.1)
        return self.head(x.mean((1, 2))).softmax(1)


class PastedMasks(nn.Module):
    """Masks laid into a picture where their boxes are, which the network computes: a loop with computed bounds in its body."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(8, 4)

    def forward(self, x):
        boxes = (self.head(x).sigmoid() * 12).long()
        return paste(boxes, x)


@torch.jit.script
def paste(boxes, x):
    rows = []
    for index in range(boxes.shape[0]):
        top, left = boxes[index, 0], boxes[index, 1]
        canvas = torch.zeros([16, 16])
        canvas[top : top + 4, left : left + 4] = x[index, 0]
        rows.append(canvas)
    return torch.stack(rows)


class Greedy(nn.Module):
    """A decoder that goes on until it says so: how often its loop runs depends on what it computes."""

    def __init__(self):
        super().__init__()
        self.tokens, self.cell, self.head = nn.Embedding(16, 8), nn.Linear(8, 8), nn.Linear(8, 16)

    def forward(self, x):
        return decode(x, self.tokens.weight, self.cell.weight, self.head.weight)


@torch.jit.script
def decode(state, tokens, cell, head):
    total = torch.zeros([1, 16])
    rounds = torch.zeros([1], dtype=torch.long)
    while bool(total.max() < 4.0):
        state = torch.tanh(state @ cell + tokens[rounds])
        total = total + (state @ head.t()).abs()
        rounds = rounds + 1
    return total, rounds


MODELS = {
    "unet3d": UNet3d,
    "crnn_lstm": lambda: Crnn(nn.LSTM),
    "crnn_gru": lambda: Crnn(nn.GRU),
    "dbnet": DbNet,
    "svtr_lcnet": SvtrLcnet,
    "decoder": Decoder,
    "encoder": Encoder,
    "nafnet": NafNet,
    "voice": lambda: torch.jit.script(VoiceNet()),
    "espcn": Espcn,
    "edsr": Edsr,
    "rrdb": Rrdb,
    "wav2vec": Wav2vec,
    "ecapa": Ecapa,
    "conformer": Conformer,
    "hifigan": HifiGan,
    "wavenet": WaveNet,
    "bisenet": BiSeNet,
    "depth_anything": DepthAnything,
    "detr": Detr,
    "channels_last": ChannelsLast,
    "pasted_masks": PastedMasks,
    "greedy": Greedy,
}
