"""Writes the PyTorch golden cases that the operators are checked against.

    pip install torch==2.15.0 safetensors numpy
    python tools/make_goldens.py [--seed 1] [--out tests/data]

One <op>.safetensors per operator. Tensors are named "<case>/<role>" (input, weight, bias, expected,
indices); the file's metadata holds "cases", a JSON list of {"name", "call", "args", "exact"}:
  call   the PyTorch call that made `expected`, for people
  args   the same arguments as data, for programs
  exact  true where inputs are small integers, so that every partial sum is a whole number below 2**24:
         any correct float32 implementation gives these bits whatever its order of summation
errors.json lists argument sets that PyTorch refuses, with its message. notebook.json is not written here: it holds the
printed outputs of a worked example.
"""
import argparse, json, pathlib, random
import torch, torch.nn.functional as F
from safetensors.torch import save_file

ap = argparse.ArgumentParser()
ap.add_argument("--seed", type=int, default=1)
ap.add_argument("--out", default=str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "data"))
A = ap.parse_args()
rng = random.Random(A.seed)
gen = torch.Generator().manual_seed(A.seed)
MODES = ["zeros", "reflect", "replicate", "circular"]
FMODE = {"zeros": "constant", "reflect": "reflect", "replicate": "replicate", "circular": "circular"}


def data(shape, exact):
    if exact:
        return torch.randint(-8, 9, shape, generator=gen).float()
    return torch.randn(shape, generator=gen)


class Book:
    def __init__(self, op):
        self.op, self.tensors, self.cases = op, {}, []

    def add(self, name, call, args, exact, **tensors):
        name = f"{len(self.cases):03d}_{name}"
        for role, t in tensors.items():
            if t is not None:
                self.tensors[f"{name}/{role}"] = t.detach().clone().contiguous()
        self.cases.append(dict(name=name, call=call, args=args, exact=exact))

    def save(self):
        save_file(self.tensors, f"{A.out}/{self.op}.safetensors",
                  metadata={"cases": json.dumps(self.cases), "torch": torch.__version__, "seed": str(A.seed)})
        print(f"{self.op}: {len(self.cases)} cases")


def conv_case(b, name, n, cin, h, w, cout, k, s=(1, 1), p=(0, 0, 0, 0), d=(1, 1), g=1, mode="zeros", bias=True, exact=False):
    """p = (left, right, top, bottom), PyTorch's F.pad order."""
    x = data((n, cin, h, w), exact)
    wt = data((cout, cin // g, *k), exact)
    bs = data((cout,), exact) if bias else None
    xp = F.pad(x, p, mode=FMODE[mode]) if any(p) else x
    y = F.conv2d(xp, wt, bs, stride=s, dilation=d, groups=g)
    b.add(name, f"F.conv2d(F.pad(input, {tuple(p)}, mode='{FMODE[mode]}'), weight, bias, stride={s}, dilation={d}, groups={g})",
          dict(stride=s, padding=p, dilation=d, groups=g, padding_mode=mode), exact, input=x, weight=wt, bias=bs, expected=y)


def conv2d():
    b = Book("conv2d")
    for exact in (True, False):
        for mode in MODES:
            conv_case(b, f"asym_rect_{mode}", 2, 3, 7, 10, 5, (3, 2), (2, 1), (1, 2, 3, 0), (1, 2), 1, mode, True, exact)
            conv_case(b, f"pad1_{mode}", 1, 1, 6, 6, 1, (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 1, mode, False, exact)
            conv_case(b, f"depthwise_{mode}", 1, 6, 9, 8, 6, (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 6, mode, True, exact)
            conv_case(b, f"widest_{mode}", 1, 2, 5, 4, 3, (3, 3), (1, 1), (3, 2, 4, 3) if mode == "reflect" else (4, 3, 5, 2), (1, 1), 1, mode, True, exact)
            conv_case(b, f"dilated_{mode}", 1, 4, 13, 11, 4, (3, 3), (1, 2), (2, 2, 2, 2), (2, 2), 2, mode, True, exact)
        conv_case(b, "pointwise", 2, 16, 5, 7, 24, (1, 1), exact=exact)
        conv_case(b, "pointwise_s2", 1, 8, 9, 7, 12, (1, 1), (2, 2), exact=exact)
        conv_case(b, "stem_7x7s2", 1, 3, 33, 30, 8, (7, 7), (2, 2), (3, 3, 3, 3), exact=exact)
        conv_case(b, "kernel_fills_input", 1, 16, 5, 5, 20, (5, 5), exact=exact)
        conv_case(b, "grouped", 1, 12, 8, 9, 18, (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 3, exact=exact)
        conv_case(b, "depthwise_multiplier", 1, 5, 8, 9, 15, (3, 3), (2, 2), (1, 1, 1, 1), (1, 1), 5, exact=exact)
        conv_case(b, "wide_channels", 1, 130, 6, 5, 67, (3, 3), (1, 1), (1, 1, 1, 1), exact=exact)
        conv_case(b, "tall_1xk", 1, 3, 4, 40, 5, (1, 9), (1, 3), (4, 4, 0, 0), exact=exact)
        conv_case(b, "batch5", 5, 3, 8, 6, 7, (3, 3), (1, 1), (1, 1, 1, 1), exact=exact)
        conv_case(b, "stride_over_kernel", 1, 3, 11, 13, 4, (2, 2), (4, 5), exact=exact)
    for i in range(80):
        exact = i % 2 == 0
        mode = rng.choice(MODES)
        g = rng.choice([1, 1, 1, 2, 3])
        cin, cout = g * rng.randint(1, 6), g * rng.randint(1, 7)
        k = (rng.randint(1, 5), rng.randint(1, 5)); d = (rng.randint(1, 3), rng.randint(1, 3))
        h, w = rng.randint(4, 17), rng.randint(4, 17)
        lim = {"zeros": 4, "replicate": 6, "reflect": min(h, w) - 1, "circular": min(h, w)}[mode]
        p = tuple(rng.randint(0, min(lim, 5)) for _ in range(4))
        if h + p[2] + p[3] < d[0] * (k[0] - 1) + 1 or w + p[0] + p[1] < d[1] * (k[1] - 1) + 1:
            continue
        conv_case(b, f"random_{mode}", rng.randint(1, 3), cin, h, w, cout, k, (rng.randint(1, 3), rng.randint(1, 3)), p, d, g, mode, rng.random() < .7, exact)
    for k, d in (((2, 3), (1, 1)), ((4, 5), (1, 2)), ((3, 2), (2, 3))):  # 'same': the odd extra goes right and bottom
        x, wt = data((1, 3, 8, 9), True), data((4, 3, *k), True)
        b.add("same", f"F.conv2d(input, weight, padding='same', dilation={d})", dict(stride=(1, 1), padding="same", dilation=d, groups=1, padding_mode="zeros"),
              True, input=x, weight=wt, expected=F.conv2d(x, wt, padding="same", dilation=d))
    b.save()


def pad():
    b = Book("pad")
    for mode in MODES:
        for h, w, p in [(4, 5, (1, 1, 1, 1)), (4, 5, (0, 3, 2, 0)), (5, 7, (6, 6, 4, 4)), (3, 6, (2, 1, 0, 2)), (6, 6, (1, 1, 0, 0)), (2, 3, (1, 2, 1, 1))]:
            x = data((2, 3, h, w), True)
            b.add(mode, f"F.pad(input, {p}, mode='{FMODE[mode]}')", dict(padding=p, mode=mode, value=0.0), True, input=x, expected=F.pad(x, p, mode=FMODE[mode]))
    for h, w, p in [(4, 5, (5, 4, 4, 3)), (3, 4, (4, 4, 3, 3))]:
        x = data((1, 2, h, w), True)
        b.add("circular_full", f"F.pad(input, {p}, mode='circular')", dict(padding=p, mode="circular", value=0.0), True, input=x, expected=F.pad(x, p, mode="circular"))
        b.add("replicate_wide", f"F.pad(input, {p}, mode='replicate')", dict(padding=p, mode="replicate", value=0.0), True, input=x, expected=F.pad(x, p, mode="replicate"))
    for p, v in [((1, 2, 0, 3), 7.5), ((-1, 2, 1, -2), -3.0), ((-1, -1, -1, -1), 0.0)]:
        x = data((1, 2, 5, 6), True)
        b.add("constant_value", f"F.pad(input, {p}, mode='constant', value={v})", dict(padding=p, mode="zeros", value=v), True, input=x, expected=F.pad(x, p, value=v))
    b.save()


def pools():
    mx, av = Book("max_pool2d"), Book("avg_pool2d")
    fixed = [((7, 7), (3, 3), (3, 3), (0, 0), (1, 1), True), ((6, 6), (2, 2), (2, 2), (0, 0), (1, 1), False), ((6, 6), (4, 4), (4, 4), (0, 0), (1, 1), False),
             ((6, 6), (2, 2), (1, 1), (0, 0), (1, 1), False), ((112, 37), (3, 3), (2, 2), (1, 1), (1, 1), False), ((9, 10), (3, 2), (2, 3), (1, 1), (1, 1), True),
             ((5, 8), (4, 5), (3, 3), (2, 2), (1, 1), True), ((11, 13), (3, 3), (2, 1), (1, 1), (2, 3), False), ((11, 13), (3, 3), (2, 2), (1, 1), (3, 2), True), ((4, 4), (3, 3), (2, 2), (1, 1), (1, 1), True)]
    for i in range(90):
        k = (rng.randint(1, 5), rng.randint(1, 5))
        fixed.append(((rng.randint(5, 16), rng.randint(5, 16)), k, (rng.randint(1, 4), rng.randint(1, 4)), (rng.randint(0, k[0] // 2), rng.randint(0, k[1] // 2)),
                      (rng.randint(1, 2), rng.randint(1, 2)), rng.random() < .5))
    for (h, w), k, s, p, d, ceil in fixed:
        x = data((rng.randint(1, 2), rng.randint(1, 5), h, w), False)
        try:
            y, ix = F.max_pool2d(x, k, s, p, d, ceil, True)
            mx.add("ceil" if ceil else "floor", f"F.max_pool2d(input, {k}, {s}, {p}, {d}, ceil_mode={ceil}, return_indices=True)",
                   dict(kernel_size=k, stride=s, padding=p, dilation=d, ceil_mode=ceil), True, input=x, expected=y, indices=ix)
        except RuntimeError:
            pass
        inc, div = rng.random() < .5, rng.choice([None, None, None, 3, 7])
        xi = data(tuple(x.shape), True)
        try:
            y = F.avg_pool2d(xi, k, s, p, ceil, inc, div)
            av.add("ceil" if ceil else "floor", f"F.avg_pool2d(input, {k}, {s}, {p}, ceil_mode={ceil}, count_include_pad={inc}, divisor_override={div})",
                   dict(kernel_size=k, stride=s, padding=p, ceil_mode=ceil, count_include_pad=inc, divisor_override=div), False, input=xi, expected=y)
        except RuntimeError:
            pass
    nan, inf = float("nan"), float("inf")
    x = torch.tensor([[[[1., nan, 3., 2., -inf, -inf], [4., 0., nan, 5., -inf, -inf], [-inf, -inf, 2., 2., nan, nan], [-inf, -inf, 2., 2., inf, nan]]]])
    for k, s, p in (((2, 2), (2, 2), (0, 0)), ((3, 3), (1, 1), (1, 1)), ((2, 3), (1, 2), (1, 1))):
        y, ix = F.max_pool2d(x, k, s, p, 1, False, True)
        mx.add("nan_inf", f"F.max_pool2d(input, {k}, {s}, {p}, return_indices=True)", dict(kernel_size=k, stride=s, padding=p, dilation=(1, 1), ceil_mode=False), True, input=x, expected=y, indices=ix)
    mx.save(); av.save()
    ad = Book("adaptive_pool2d")
    for (h, w), o in [((7, 7), (1, 1)), ((10, 13), (3, 4)), ((5, 6), (5, 6)), ((4, 5), (7, 9)), ((12, 9), (6, 3)), ((13, 11), (6, 6))]:
        x = data((2, 3, h, w), True)
        ad.add("avg", f"F.adaptive_avg_pool2d(input, {o})", dict(kind="avg", output_size=o), False, input=x, expected=F.adaptive_avg_pool2d(x, o))
        y, ix = F.adaptive_max_pool2d(x, o, True)
        ad.add("max", f"F.adaptive_max_pool2d(input, {o}, return_indices=True)", dict(kind="max", output_size=o), True, input=x, expected=y, indices=ix)
    ad.save()


def pointwise():
    b = Book("activation")
    x = torch.cat([data((2, 3, 4, 5), False) * 4, torch.tensor([0., -0., 1e-30, -1e-30, 3., -3., 6., -6., 88., -88., 100., -100., float("inf"), float("-inf"), 1e38, -1e38] + [.5] * 44).reshape(1, 3, 4, 5)])
    for name, f, args in [("relu", F.relu, {}), ("relu6", F.relu6, {}), ("leaky_relu", F.leaky_relu, dict(negative_slope=.1)), ("elu", F.elu, dict(alpha=1.3)), ("sigmoid", torch.sigmoid, {}),
                          ("tanh", torch.tanh, {}), ("hardsigmoid", F.hardsigmoid, {}), ("hardswish", F.hardswish, {}), ("silu", F.silu, {}), ("gelu", F.gelu, {}), ("mish", F.mish, {}),
                          ("softplus", F.softplus, {}), ("clamp", torch.clamp, dict(min=-1.5, max=2.5))]:
        b.add(name, f"{name}(input, {args})", dict(kind=name, **args), name in ("relu", "relu6", "clamp"), input=x, expected=f(x, **args))
    n = torch.tensor([float("nan"), 1., -1., float("nan")]).reshape(1, 1, 2, 2)
    b.add("relu_nan", "F.relu(input)", dict(kind="relu"), True, input=n, expected=F.relu(n))
    p = data((3,), False).abs()
    b.add("prelu", "F.prelu(input, weight)", dict(kind="prelu"), False, input=x, weight=p, expected=F.prelu(x, p))
    for dim in (1, 3):
        y = data((2, 5, 3, 4), False) * 30
        b.add("softmax", f"F.softmax(input, {dim})", dict(kind="softmax", dim=dim), False, input=y, expected=F.softmax(y, dim))
        b.add("log_softmax", f"F.log_softmax(input, {dim})", dict(kind="log_softmax", dim=dim), False, input=y, expected=F.log_softmax(y, dim))
    b.save()


def layers():
    b = Book("linear")
    for n, i, o, exact in [(1, 120, 84, False), (5, 84, 10, False), (3, 7, 1, True), (17, 33, 65, True), (1, 1, 1, True), (2, 1025, 9, False)]:
        x, w, bs = data((n, i), exact), data((o, i), exact), data((o,), exact)
        b.add("linear", "F.linear(input, weight, bias)", {}, exact, input=x, weight=w, bias=bs, expected=F.linear(x, w, bs))
    b.save()
    b = Book("batch_norm")
    for c in (1, 5, 33):
        x, m, v, w, s = data((2, c, 4, 3), False), data((c,), False), data((c,), False).abs() + .1, data((c,), False), data((c,), False)
        b.add("eval", "F.batch_norm(input, mean, var, weight, bias, training=False, eps=1e-5)", dict(eps=1e-5), False, input=x, mean=m, var=v, weight=w, bias=s, expected=F.batch_norm(x, m, v, w, s, False, eps=1e-5))
    b.save()
    b = Book("conv_transpose2d")
    for i in range(24):
        exact = i % 2 == 0
        g = rng.choice([1, 1, 2]); k = (rng.randint(1, 4), rng.randint(1, 4)); s = (rng.randint(1, 3), rng.randint(1, 3)); d = (rng.randint(1, 2), rng.randint(1, 2))
        p = (rng.randint(0, k[0] // 2), rng.randint(0, k[1] // 2)); op = (rng.randint(0, max(s[0], d[0]) - 1), rng.randint(0, max(s[1], d[1]) - 1))
        x, w = data((rng.randint(1, 2), g * rng.randint(1, 4), rng.randint(3, 8), rng.randint(3, 8)), exact), None
        w = data((x.shape[1], rng.randint(1, 4), *k), exact); bs = data((w.shape[1] * g,), exact)
        try:
            y = F.conv_transpose2d(x, w, bs, s, p, op, g, d)
        except RuntimeError:
            continue
        b.add("random", f"F.conv_transpose2d(input, weight, bias, {s}, {p}, {op}, {g}, {d})", dict(stride=s, padding=p, output_padding=op, groups=g, dilation=d), exact, input=x, weight=w, bias=bs, expected=y)
    b.save()
    b = Book("interpolate")
    for size, mode, ac in [((8, 10), "nearest", None), ((3, 4), "nearest", None), ((9, 7), "bilinear", False), ((9, 7), "bilinear", True), ((3, 3), "bilinear", False)]:
        x = data((1, 2, 5, 6), False)
        kw = {} if ac is None else dict(align_corners=ac)
        b.add(mode, f"F.interpolate(input, size={size}, mode='{mode}', {kw})", dict(size=size, mode=mode, **kw), False, input=x, expected=F.interpolate(x, size=size, mode=mode, **kw))
    b.save()


def recurrent():
    """One direction of a layer. weight_ih is the identity, so that the input is what the operator takes as projected, bit for bit."""
    b = Book("recurrent")
    # ONNX's order of PyTorch's gates: i, f, g, o and r, z, n.
    orders = dict(lstm=[0, 3, 1, 2], gru=[1, 0, 2], rnn_tanh=[0], rnn_relu=[0])
    for kind, order in orders.items():
        for steps, n, h in [(1, 1, 3), (5, 2, 4), (7, 3, 17), (3, 6, 24), (12, 1, 9)]:
            for reverse in (False, True):
                layer = dict(lstm=torch.nn.LSTM, gru=torch.nn.GRU).get(kind, torch.nn.RNN)
                kw = dict(nonlinearity=kind[4:]) if kind.startswith("rnn") else {}
                rows = len(order) * h
                net = layer(rows, h, **kw)
                w, s = data((rows, h), False) / h ** .5, data((rows,), False)
                with torch.no_grad():
                    net.weight_ih_l0.copy_(torch.eye(rows)); net.bias_ih_l0.zero_()
                    net.weight_hh_l0.copy_(w); net.bias_hh_l0.copy_(s)
                    x, h0, c0 = data((steps, n, rows), False), data((n, h), False), data((n, h), False)
                    state = (h0[None], c0[None]) if kind == "lstm" else h0[None]
                    y, last = net(x.flip(0) if reverse else x, state)
                ordered = lambda t: torch.cat([t.split(h, dim=-1)[gate] for gate in order], dim=-1)
                cells = dict(cell_state=c0, last_cell_state=last[1][0]) if kind == "lstm" else {}
                b.add(kind, f"torch.nn.{layer.__name__}", dict(kind=kind, reverse=reverse), False, input=ordered(x), weight=ordered(w.T).T,
                      bias=ordered(s), state=h0, expected=y.flip(0) if reverse else y, **cells)
    b.save()


def attention():
    b = Book("attention")
    inf, low = float("inf"), torch.finfo(torch.float32).min
    # Heads of whole vectors and not, one and many queries and keys, values of another size.
    for batch, l, s, e, ev in [((), 5, 7, 4, 4), ((2, 3), 9, 11, 8, 12), ((1,), 49, 49, 32, 32), ((1,), 33, 35, 20, 36), ((2,), 7, 70, 5, 3), ((3,), 1, 40, 16, 16), ((2,), 40, 1, 8, 8), ((1,), 9, 66, 64, 64), ((1,), 3, 5, 160, 132)]:
        tensors = lambda: (data((*batch, l, e), False), data((*batch, s, e), False), data((*batch, s, ev), False))
        causal = torch.full((l, s), -inf).triu(1)
        padding = torch.zeros(*batch, 1, s)
        padding[..., s // 2 + 1:] = low
        for name, mask, scale in [("plain", None, None), ("scaled", None, .5), ("table", data((l, s), False), None), ("causal", causal, None), ("padding", padding, None), ("heads", data((*batch[-1:], l, 1), False), None)]:
            if (s + l) * e > 2000 and name in ("plain", "causal", "heads"):
                continue
            q, k, v = tensors()
            b.add(name, f"F.scaled_dot_product_attention(query, key, value, attn_mask=mask, scale={scale})", dict(scale=scale), False, query=q, key=k, value=v, mask=mask,
                  expected=F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=scale))
    b.save()


def errors():
    out = []
    def refuse(op, call, args, shapes, f):
        try:
            f()
        except (RuntimeError, ValueError, NotImplementedError) as e:
            out.append(dict(op=op, call=call, args=args, shapes=shapes, message=str(e).split("\n")[0]))
        else:
            raise SystemExit(f"PyTorch accepts {call}")
    z = torch.zeros
    x = z(1, 3, 5, 6)
    C = lambda sh, **k: refuse("conv2d", f"F.conv2d(zeros(1,3,5,6), zeros{sh}, {k})", {a: v for a, v in k.items()}, dict(input=[1, 3, 5, 6], weight=list(sh)), lambda: F.conv2d(x, z(sh), **k))
    C((4, 2, 3, 3)); C((4, 3, 6, 3)); C((4, 3, 3, 7)); C((4, 3, 3, 3), stride=0); C((4, 3, 3, 3), dilation=0); C((4, 3, 3, 3), padding=-1)
    C((4, 3, 3, 3), groups=0); C((4, 1, 3, 3), groups=3); C((4, 3, 3, 3), groups=2); C((4, 3, 3, 3), dilation=3); C((4, 3, 3, 3), padding="same", stride=2); C((4, 3, 3))
    refuse("conv2d", "bias of the wrong length", {}, dict(input=[1, 3, 5, 6], weight=[4, 3, 3, 3], bias=[5]), lambda: F.conv2d(x, z(4, 3, 3, 3), z(5)))
    P = lambda p, m, sh=(1, 3, 5, 6), **k: refuse("pad", f"F.pad(zeros{sh}, {p}, '{m}', {k})", dict(padding=p, mode=m, **k), dict(input=list(sh)), lambda: F.pad(z(sh), p, mode=m, **k))
    P((6, 0, 0, 0), "reflect"); P((0, 6, 0, 0), "reflect"); P((0, 0, 5, 0), "reflect"); P((0, 0, 0, 5), "reflect"); P((7, 0, 0, 0), "circular"); P((0, 0, 0, 6), "circular")
    P((-4, -4, 0, 0), "constant"); P((1, 1, 1, 1), "reflect", (1, 3, 1, 6)); P((1, 1), "nonsense"); P((1, 1, 1), "constant")
    M = lambda **k: refuse("max_pool2d", f"F.max_pool2d(zeros(1,3,5,6), {k})", k, dict(input=[1, 3, 5, 6]), lambda: F.max_pool2d(x, **k))
    M(kernel_size=3, padding=2); M(kernel_size=7); M(kernel_size=0); M(kernel_size=3, stride=0); M(kernel_size=3, dilation=0); M(kernel_size=3, padding=-1); M(kernel_size=3, dilation=3)
    V = lambda **k: refuse("avg_pool2d", f"F.avg_pool2d(zeros(1,3,5,6), {k})", k, dict(input=[1, 3, 5, 6]), lambda: F.avg_pool2d(x, **k))
    V(kernel_size=3, padding=2); V(kernel_size=7); V(kernel_size=0); V(kernel_size=3, stride=0); V(kernel_size=3, divisor_override=0)
    refuse("linear", "F.linear(zeros(2,5), zeros(3,4))", {}, dict(input=[2, 5], weight=[3, 4]), lambda: F.linear(z(2, 5), z(3, 4)))
    json.dump(out, open(f"{A.out}/errors.json", "w"), indent=1, default=str)
    print(f"errors: {len(out)}")


def more():
    """Operators that ONNX models need besides. After the others, so that these keep their random numbers."""
    nan, inf = float("nan"), float("inf")
    b = Book("elementwise")
    x = torch.cat([data((2, 3, 4, 5), False) * 4, torch.tensor([0., -0., 1e-30, -1e-30, 1., -1., 9., -9., 87., -87., 104., -104., inf, -inf, nan] + [.5] * 45).reshape(1, 3, 4, 5)])
    for name, f, args, exact in [("abs", torch.abs, {}, True), ("neg", torch.neg, {}, True), ("exp", torch.exp, {}, False), ("log", torch.log, {}, False), ("sqrt", torch.sqrt, {}, False),
                                 ("erf", torch.erf, {}, False), ("softsign", F.softsign, {}, False), ("selu", F.selu, {}, False), ("celu", F.celu, dict(alpha=1.5), False)]:
        b.add(name, f"{name}(input, {args})", dict(kind=name, **args), exact, input=x, expected=f(x, **args))
    b.add("gelu_tanh", "F.gelu(input, approximate='tanh')", dict(kind="gelu_tanh"), False, input=x[:2], expected=F.gelu(x[:2], approximate="tanh"))
    for name, f in [("add", torch.add), ("sub", torch.sub), ("mul", torch.mul), ("div", torch.div), ("minimum", torch.minimum), ("maximum", torch.maximum), ("pow", torch.pow)]:
        for left, right in [((2, 3, 4, 5), (2, 3, 4, 5)), ((2, 3, 4, 5), (3, 1, 5)), ((4, 1), (2, 1, 7)), ((), (3, 2))]:
            y, z = data(left, True), data(right, True)
            if name == "pow":
                y, z = (y / 4).abs() + .1, z / 3
            b.add(name, f"torch.{name}(input, other)", dict(kind=name), name not in ("div", "pow"), input=y, other=z, expected=f(y, z))
    special = torch.tensor([0., 1., -1., 2.5, inf, -inf, nan])
    for name, f in [("minimum", torch.minimum), ("maximum", torch.maximum), ("div", torch.div), ("mul", torch.mul)]:
        b.add(name + "_special", f"torch.{name}(input, other)", dict(kind=name), True, input=special[:, None], other=special[None], expected=f(special[:, None], special[None]))
    b.save()
    b = Book("matmul")
    for left, right in [((4, 7), (7, 5)), ((3, 4, 7), (7, 5)), ((2, 1, 4, 9), (3, 9, 5)), ((7,), (7, 5)), ((4, 7), (7,)), ((6,), (6,)), ((2, 33, 65), (2, 65, 17))]:
        for exact in (True, False):
            y, z = data(left, exact), data(right, exact)
            b.add("matmul", "torch.matmul(input, other)", {}, exact, input=y, other=z, expected=torch.matmul(y, z))
    b.save()
    b = Book("normalisation")
    for shape in [(2, 3, 4, 5), (1, 5, 33), (2, 4, 17, 9)]:
        y, w, s = data(shape, False), data((shape[1],), False), data((shape[1],), False)
        b.add("instance_norm", "F.instance_norm(input, weight=weight, bias=bias, eps=1e-5)", dict(kind="instance_norm", eps=1e-5), False, input=y, weight=w, bias=s, expected=F.instance_norm(y, weight=w, bias=s, eps=1e-5))
    for size, alpha, beta, k in [(5, 1e-4, .75, 1.), (3, .5, .5, 2.)]:  # odd: for even sizes ONNX's window is another
        y = data((2, 7, 4, 3), False)
        b.add("local_response_norm", f"F.local_response_norm(input, {size}, {alpha}, {beta}, {k})", dict(kind="local_response_norm", size=size, alpha=alpha, beta=beta, k=k), False, input=y, expected=F.local_response_norm(y, size, alpha, beta, k))
    b.save()
    b = Book("reduce")
    y = data((3, 4, 5, 6), True)
    for name, f in [("sum", torch.sum), ("mean", torch.mean), ("amax", torch.amax)]:
        for dims in [(0,), (2, 3), (1, 3), (-1,), (0, 1, 2, 3)]:
            for keep in (False, True):
                b.add(name, f"torch.{name}(input, {dims}, keepdim={keep})", dict(kind=name, axes=dims, keep_dims=keep), name != "mean", input=y, expected=f(y, dims, keepdim=keep))
    b.save()
    b = Book("movement")
    for dim in (0, 1, -1):
        parts = [data(tuple(n if d == dim % 3 else e for d, e in enumerate((2, 3, 4))), True) for n in (1, 4, 2)]
        b.add("cat", f"torch.cat([input, other, third], {dim})", dict(kind="cat", axis=dim), True, input=parts[0], other=parts[1], third=parts[2], expected=torch.cat(parts, dim))
    y = data((3, 4, 5, 6), True)
    for p in [(0, 2, 3, 1), (3, 2, 1, 0), (1, 0, 2, 3)]:
        b.add("permute", f"input.permute{p}", dict(kind="permute", permutation=p), True, input=y, expected=y.permute(p))
    for starts, ends, axes, steps in [((1,), (3,), (1,), (1,)), ((0, 1), (5, 6), (2, 3), (2, 3)), ((-2,), (100,), (0,), (1,))]:
        index = [slice(None)] * 4
        for st, en, ax, sp in zip(starts, ends, axes, steps):
            index[ax] = slice(st, en, sp)
        b.add("slice", f"input[{index}]", dict(kind="slice", starts=starts, ends=ends, axes=axes, steps=steps), True, input=y, expected=y[tuple(index)])
    for shape, target in [((3, 1), (2, 3, 4)), ((1,), (2, 5)), ((2, 1, 4), (2, 3, 4))]:
        z = data(shape, True)
        b.add("expand", f"input.expand{target}", dict(kind="expand", shape=target), True, input=z, expected=z.expand(target))
    b.save()


for f in (conv2d, pad, pools, pointwise, layers, errors, more, recurrent, attention):
    f()
