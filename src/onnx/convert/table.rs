//! The operators that become nodes of the graph, by domain and name.

use super::node::Convert;
use super::{
    activation, attention, cast, conv, einsum, elementwise, fourier, integer, linear, movement, norm, optional, pad, pool,
    q_linear, quantize, recurrent, reduce, resize, rotary, sequence, shape,
};

/// Whether any operator of a domain is known.
pub(super) fn is_domain(domain: &str) -> bool {
    matches!(domain, "" | "ai.onnx" | "ai.onnx.preview" | "com.microsoft")
}

/// The operators that become nodes of the graph. Those that work on shapes alone are in [`fold::find`](crate::onnx::fold::find).
pub(super) fn find(domain: &str, operator: &str) -> Option<Convert> {
    match domain {
        "" | "ai.onnx" => of_onnx(operator),
        "com.microsoft" => of_microsoft(operator),
        _ => None,
    }
}

/// The operators of ONNX Runtime, which its optimizer makes of ONNX's.
fn of_microsoft(operator: &str) -> Option<Convert> {
    Some(match operator {
        "Gelu" => activation::gelu,
        "BiasGelu" => activation::bias_gelu,
        "FastGelu" => activation::fast_gelu,
        "QuickGelu" => activation::quick_gelu,
        "QuantizeLinear" => quantize::quantize_linear,
        "DequantizeLinear" => quantize::dequantize_linear,
        "DynamicQuantizeMatMul" => integer::dynamic_quantize_mat_mul,
        "MatMulIntegerToFloat" => integer::mat_mul_integer_to_float,
        "QGemm" => integer::q_gemm,
        "FusedMatMul" => integer::fused_mat_mul,
        "QLinearAdd" | "QLinearMul" => q_linear::arithmetic,
        "QLinearSigmoid" => q_linear::sigmoid,
        "QLinearLeakyRelu" => q_linear::leaky_relu,
        "QLinearAveragePool" => q_linear::average_pool,
        "QLinearGlobalAveragePool" => q_linear::global_average_pool,
        "QLinearConcat" => q_linear::concat,
        _ => return None,
    })
}

fn of_onnx(operator: &str) -> Option<Convert> {
    Some(match operator {
        "Conv" => conv::conv,
        "ConvTranspose" => conv::conv_transpose,
        "MaxPool" => pool::max_pool,
        "AveragePool" => pool::average_pool,
        "GlobalAveragePool" => pool::global_average_pool,
        "GlobalMaxPool" => pool::global_max_pool,
        "Pad" => pad::pad,
        "BatchNormalization" => norm::batch_norm,
        "Softmax" => norm::softmax,
        "LogSoftmax" => norm::log_softmax,
        "Gemm" => linear::gemm,
        "MatMul" => linear::mat_mul,
        "Einsum" => einsum::einsum,
        "DFT" => fourier::dft,
        "STFT" => fourier::stft,
        "Attention" => attention::attention,
        "RotaryEmbedding" => rotary::rotary_embedding,
        "MatMulInteger" => integer::mat_mul_integer,
        "ConvInteger" => integer::conv_integer,
        "QLinearMatMul" => integer::q_linear_mat_mul,
        "QLinearConv" => integer::q_linear_conv,
        "QuantizeLinear" => quantize::quantize_linear,
        "DequantizeLinear" => quantize::dequantize_linear,
        "DynamicQuantizeLinear" => quantize::dynamic_quantize_linear,
        "InstanceNormalization" => norm::instance_norm,
        "LayerNormalization" | "RMSNormalization" | "SimplifiedLayerNormalization" => norm::layer_norm,
        "GroupNormalization" => norm::group_norm,
        "MeanVarianceNormalization" => norm::mean_variance_norm,
        "LpNormalization" => norm::lp_norm,
        "LRN" => norm::local_response_norm,
        "LpPool" => pool::lp_pool,
        "Swish" => activation::swish,
        "SwiGLU" => activation::swiglu,
        "Selu" => activation::selu,
        "Celu" => activation::celu,
        "LeakyRelu" => activation::leaky_relu,
        "PRelu" => activation::prelu,
        "Elu" => activation::elu,
        "HardSigmoid" => activation::hard_sigmoid,
        "Gelu" => activation::gelu,
        "Clip" => activation::clip,
        "Shrink" => activation::shrink,
        "ThresholdedRelu" => activation::thresholded_relu,
        "IsInf" => elementwise::is_inf,
        "Pow" => elementwise::power,
        "Sum" | "Min" | "Max" | "Mean" => elementwise::many,
        "Concat" => movement::concat,
        "Slice" => movement::slice,
        "Split" => movement::split,
        "LSTM" => recurrent::lstm,
        "GRU" => recurrent::gru,
        "RNN" => recurrent::rnn,
        "SplitToSequence" => sequence::split_to_sequence,
        "SequenceConstruct" => sequence::construct,
        "SequenceEmpty" => sequence::empty,
        "SequenceInsert" => sequence::insert,
        "SequenceErase" => sequence::erase,
        "SequenceAt" => sequence::at,
        "SequenceLength" => sequence::length,
        "ConcatFromSequence" => sequence::concat,
        "Optional" => optional::optional,
        "OptionalHasElement" => optional::has_element,
        "OptionalGetElement" => optional::element,
        "Gather" => movement::gather,
        "GatherND" => movement::gather_nd,
        "Transpose" => movement::transpose,
        "Expand" => movement::expand,
        "Tile" => movement::tile,
        "DepthToSpace" => movement::depth_to_space,
        "SpaceToDepth" => movement::space_to_depth,
        "ReduceSum" | "ReduceMean" => reduce::sum_or_mean,
        "ReduceMax" | "ReduceMin" => reduce::extreme,
        "ReduceL1" | "ReduceL2" | "ReduceSumSquare" => reduce::norm,
        "ReduceLogSum" => reduce::log_sum,
        "ReduceLogSumExp" => reduce::log_sum_exp,
        "Cast" => cast::cast,
        "CastLike" => cast::cast_like,
        "BitCast" => cast::bit_cast,
        "Identity" => elementwise::identity,
        "Dropout" => elementwise::dropout,
        "Reshape" => shape::reshape,
        "Flatten" => shape::flatten,
        "Squeeze" => shape::squeeze,
        "Unsqueeze" => shape::unsqueeze,
        "Resize" => resize::resize,
        "Upsample" => resize::upsample,
        _ => return elementwise::function(operator),
    })
}
