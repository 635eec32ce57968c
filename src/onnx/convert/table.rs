//! The operators that become nodes of the graph, by domain and name.

use super::node::Convert;
use super::{
    activation, attention, bits, cast, causal_conv, col2im, conv, determinant, early, einsum, elementwise, experimental, fourier,
    fused, gather, integer, linear, linear_attention, loss, max_roi_pool, movement, multi_head, norm, optional, order, pad, pool,
    q_linear, quantize, recurrent, reduce, resize, rotary, sample, scatter, select, sequence, shape,
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
        "MultiHeadAttention" => multi_head::multi_head_attention,
        "Attention" => multi_head::self_attention,
        "SkipLayerNormalization" | "SkipSimplifiedLayerNormalization" => fused::skip_layer_norm,
        "EmbedLayerNormalization" => fused::embed_layer_norm,
        "FusedConv" => fused::conv,
        "FusedGemm" => fused::gemm,
        "QuantizeLinear" => quantize::quantize_linear,
        "DequantizeLinear" => quantize::dequantize_linear,
        "DynamicQuantizeLSTM" => recurrent::dynamic_quantize_lstm,
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
        "CausalConvWithState" => causal_conv::causal_conv_with_state,
        "ConvTranspose" => conv::conv_transpose,
        "MaxPool" => pool::max_pool,
        "AveragePool" => pool::average_pool,
        "GlobalAveragePool" => pool::global_average_pool,
        "GlobalMaxPool" => pool::global_max_pool,
        "Pad" => pad::pad,
        "BatchNormalization" => early::batch_norm,
        "Softmax" => norm::softmax,
        "LogSoftmax" => norm::log_softmax,
        "Gemm" => linear::gemm,
        "MatMul" => linear::mat_mul,
        "InstanceNormalization" => norm::instance_norm,
        "LayerNormalization" | "RMSNormalization" | "SimplifiedLayerNormalization" => norm::layer_norm,
        "GroupNormalization" => norm::group_norm,
        "MeanVarianceNormalization" => norm::mean_variance_norm,
        "LpNormalization" => norm::lp_norm,
        "LRN" => norm::local_response_norm,
        "LpPool" => pool::lp_pool,
        "GlobalLpPool" => pool::global_lp_pool,
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
        "ReduceSum" | "ReduceMean" | "ReduceProd" => reduce::combination,
        "ReduceMax" | "ReduceMin" => reduce::extreme,
        "ReduceL1" | "ReduceL2" | "ReduceSumSquare" => reduce::norm,
        "ArgMax" | "ArgMin" => order::extreme,
        "TopK" => order::top_k,
        "CumSum" | "CumProd" => order::cumulative,
        "Hardmax" => order::hardmax,
        "Det" => determinant::determinant,
        "BitShift" => bits::shift,
        "BitwiseNot" => bits::not,
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
        "GridSample" => sample::grid_sample,
        "AffineGrid" => sample::affine_grid,
        "DeformConv" => sample::deform_conv,
        "MaxRoiPool" => max_roi_pool::max_roi_pool,
        "RoiAlign" => sample::roi_align,
        "Col2Im" => col2im::col2im,
        "Resize" => resize::resize,
        "Upsample" => resize::upsample,
        _ => {
            return by_places(operator)
                .or_else(|| of_products(operator))
                .or_else(|| of_quantised(operator))
                .or_else(|| on_trial(operator))
                .or_else(|| elementwise::function(operator));
        }
    })
}

/// Attention, and transforms that are products of matrices.
fn of_products(operator: &str) -> Option<Convert> {
    Some(match operator {
        "Einsum" => einsum::einsum,
        "DFT" => fourier::dft,
        "STFT" => fourier::stft,
        "Attention" => attention::attention,
        "LinearAttention" => linear_attention::linear_attention,
        "RotaryEmbedding" => rotary::rotary_embedding,
        _ => return None,
    })
}

/// Sums of whole numbers, and what is between them and real numbers.
fn of_quantised(operator: &str) -> Option<Convert> {
    Some(match operator {
        "MatMulInteger" => integer::mat_mul_integer,
        "ConvInteger" => integer::conv_integer,
        "QLinearMatMul" => integer::q_linear_mat_mul,
        "QLinearConv" => integer::q_linear_conv,
        "QuantizeLinear" => quantize::quantize_linear,
        "DequantizeLinear" => quantize::dequantize_linear,
        "DynamicQuantizeLinear" => quantize::dynamic_quantize_linear,
        _ => return None,
    })
}

/// The operators that ONNX had on trial.
fn on_trial(operator: &str) -> Option<Convert> {
    Some(match operator {
        "Affine" => experimental::affine,
        "Scale" => experimental::scale,
        "ImageScaler" => experimental::image_scaler,
        "ScaledTanh" => experimental::scaled_tanh,
        "ParametricSoftplus" => experimental::parametric_softplus,
        "Crop" => experimental::crop,
        _ => return None,
    })
}

/// Those that find elements by indices, and the losses of classes, which do.
fn by_places(operator: &str) -> Option<Convert> {
    Some(match operator {
        "GatherElements" => gather::gather_elements,
        "ScatterElements" | "Scatter" => scatter::scatter_elements,
        "ScatterND" => scatter::scatter_nd,
        "TensorScatter" => scatter::tensor_scatter,
        "MaxUnpool" => scatter::max_unpool,
        "OneHot" => select::one_hot,
        "Trilu" => select::trilu,
        "Compress" => select::compress,
        "ReverseSequence" => select::reverse_sequence,
        "CenterCropPad" => select::center_crop_pad,
        "NegativeLogLikelihoodLoss" => loss::negative_log_likelihood,
        "SoftmaxCrossEntropyLoss" => loss::softmax_cross_entropy,
        _ => return None,
    })
}
