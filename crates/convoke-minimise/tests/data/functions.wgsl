//: workgroups 1 1 1
//: binding 0 values -1.3 0.7
//: binding 1 zeros 70
// WGSL's functions, one an element, of two numbers that no compiler knows.
@group(0) @binding(0) var<storage, read> numbers: array<f32>;
@group(0) @binding(1) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(1)
fn main() {
    let x = numbers[0];
    let y = numbers[1];
    output[0] = round(x);
    output[1] = floor(x);
    output[2] = ceil(x);
    output[3] = trunc(x);
    output[4] = fract(x);
    output[5] = sign(x);
    output[6] = quantizeToF16(x);
    output[7] = f32(i32(x));
    output[8] = f32(u32(x));
    output[9] = x % 3.0;
    output[10] = x % -3.0;
    output[11] = bitcast<f32>(pack2x16float(vec2(x, 0.0)));
    output[12] = unpack2x16float(pack2x16float(vec2(x, 0.0))).x;
    output[13] = bitcast<f32>(pack4x8snorm(vec4(x, 0.0, 0.0, 0.0)));
    output[14] = bitcast<f32>(pack4x8unorm(vec4(x, 0.0, 0.0, 0.0)));
    output[15] = bitcast<f32>(pack2x16unorm(vec2(x, 0.0)));
    output[16] = bitcast<f32>(pack2x16snorm(vec2(x, 0.0)));
    output[17] = modf(x).fract;
    output[18] = modf(x).whole;
    output[19] = frexp(x).fract;
    output[20] = f32(frexp(x).exp);
    output[21] = ldexp(x, 2);
    output[22] = ldexp(x, -130);
    output[23] = ldexp(x, 100);
    output[24] = step(0.5, x);
    output[25] = saturate(x);
    output[26] = f32(firstLeadingBit(i32(x)));
    output[27] = f32(firstTrailingBit(u32(x)));
    output[28] = f32(countOneBits(bitcast<u32>(x)));
    output[29] = f32(extractBits(bitcast<u32>(x), 3u, 0u));
    output[30] = f32(extractBits(bitcast<i32>(x), 28u, 9u));
    output[31] = f32(insertBits(bitcast<u32>(x), 7u, 30u, 9u));
    output[32] = f32(bitcast<i32>(x) / (i32(y) - i32(y)));
    output[33] = f32(bitcast<i32>(x) % (i32(y) - i32(y)));
    output[34] = f32(bitcast<i32>(x) / i32(x));
    output[35] = f32(bitcast<i32>(x) % i32(x));
    output[36] = f32(dot4I8Packed(bitcast<u32>(x), bitcast<u32>(y)));
    output[37] = f32(bitcast<i32>(x) >> 31u);
    output[38] = sqrt(x);
    output[39] = 1.0 / x;
    output[40] = x / y;
    output[41] = x * y;
    output[42] = x + y;
    output[43] = atan2(x, y);
    output[44] = sinh(x);
    output[45] = cosh(x);
    output[46] = asinh(x);
    output[47] = acosh(x);
    output[48] = atanh(x);
    output[49] = degrees(x);
    output[50] = mix(x, y, 0.5);
    output[51] = smoothstep(0.0, 1.0, x);
    output[52] = length(vec2(x, y));
    output[53] = normalize(vec2(x, y)).x;
    output[54] = distance(x, y);
    output[55] = cross(vec3(x, y, 1.0), vec3(y, x, 1.0)).x;
    output[56] = refract(vec2(x, y), vec2(y, x), 0.5).x;
    output[57] = determinant(mat2x2(x, y, y, x));
    output[58] = inverseSqrt(x);
    output[59] = f32(abs(i32(x)));
    output[60] = f32(reverseBits(u32(x)));
    output[61] = f32(u32(x) * u32(y));
    output[62] = sin(x);
    output[63] = cos(x);
    output[64] = tan(x);
    output[65] = exp2(x);
    output[66] = log2(x);
    output[67] = pow(x, y);
    output[68] = exp(x);
    output[69] = tanh(x);
}
