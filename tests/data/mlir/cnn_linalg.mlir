#map = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#map1 = affine_map<(d0, d1, d2, d3) -> ()>
#map2 = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1 * 2 + d4, d2 * 2 + d5, d3)>
#map3 = affine_map<(d0, d1, d2, d3, d4, d5) -> (d4, d5)>
#map4 = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2, d3)>
#map5 = affine_map<(d0, d1, d2, d3) -> (d0, d2, d3, d1)>
#map6 = affine_map<(d0, d1, d2, d3) -> (d0, d1)>
#map7 = affine_map<(d0, d1) -> (d0, d1)>
#map8 = affine_map<(d0, d1) -> (d0)>
module @jit_cnn {
  func.func public @main(%arg0: tensor<2x32x32x3xf32>, %arg1: tensor<3x3x3x16xf32>, %arg2: tensor<3x3x1x16xf32>, %arg3: tensor<3x3x16x32xf32>, %arg4: tensor<32x10xf32>) -> (tensor<2x10xf32>, tensor<2xi32>) {
    %c0_i32 = arith.constant 0 : i32
    %cst = arith.constant 6.400000e+01 : f32
    %cst_0 = arith.constant 0xFF800000 : f32
    %cst_1 = arith.constant 1.000000e+00 : f32
    %cst_2 = arith.constant 0.000000e+00 : f32
    %cst_3 = arith.constant dense<0xFF800000> : tensor<f32>
    %0 = tensor.empty() : tensor<2x16x16x16xf32>
    %1 = linalg.fill ins(%cst_2 : f32) outs(%0 : tensor<2x16x16x16xf32>) -> tensor<2x16x16x16xf32>
    %padded = tensor.pad %arg0 low[0, 0, 0, 0] high[0, 1, 1, 0] {
    ^bb0(%arg5: index, %arg6: index, %arg7: index, %arg8: index):
      tensor.yield %cst_2 : f32
    } : tensor<2x32x32x3xf32> to tensor<2x33x33x3xf32>
    %2 = linalg.conv_2d_nhwc_hwcf {dilations = dense<1> : tensor<2xi64>, strides = dense<2> : tensor<2xi64>} ins(%padded, %arg1 : tensor<2x33x33x3xf32>, tensor<3x3x3x16xf32>) outs(%1 : tensor<2x16x16x16xf32>) -> tensor<2x16x16x16xf32>
    %3 = tensor.empty() : tensor<2x16x16x16xf32>
    %4 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%2 : tensor<2x16x16x16xf32>) outs(%3 : tensor<2x16x16x16xf32>) {
    ^bb0(%in: f32, %out: f32):
      %56 = arith.maximumf %in, %cst_2 : f32
      linalg.yield %56 : f32
    } -> tensor<2x16x16x16xf32>
    %padded_4 = tensor.pad %4 low[0, 1, 1, 0] high[0, 1, 1, 0] {
    ^bb0(%arg5: index, %arg6: index, %arg7: index, %arg8: index):
      tensor.yield %cst_2 : f32
    } : tensor<2x16x16x16xf32> to tensor<2x18x18x16xf32>
    %5 = tensor.empty() : tensor<2x16x16x16xf32>
    %6 = linalg.fill ins(%cst_2 : f32) outs(%5 : tensor<2x16x16x16xf32>) -> tensor<2x16x16x16xf32>
    %collapsed = tensor.collapse_shape %arg2 [[0], [1], [2, 3]] : tensor<3x3x1x16xf32> into tensor<3x3x16xf32>
    %7 = linalg.depthwise_conv_2d_nhwc_hwc {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>} ins(%padded_4, %collapsed : tensor<2x18x18x16xf32>, tensor<3x3x16xf32>) outs(%6 : tensor<2x16x16x16xf32>) -> tensor<2x16x16x16xf32>
    %8 = tensor.empty() : tensor<2x16x16x16xf32>
    %9 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%7 : tensor<2x16x16x16xf32>) outs(%8 : tensor<2x16x16x16xf32>) {
    ^bb0(%in: f32, %out: f32):
      %56 = arith.negf %in : f32
      linalg.yield %56 : f32
    } -> tensor<2x16x16x16xf32>
    %10 = tensor.empty() : tensor<2x16x16x16xf32>
    %11 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%9 : tensor<2x16x16x16xf32>) outs(%10 : tensor<2x16x16x16xf32>) {
    ^bb0(%in: f32, %out: f32):
      %56 = math.exp %in : f32
      linalg.yield %56 : f32
    } -> tensor<2x16x16x16xf32>
    %12 = tensor.empty() : tensor<2x16x16x16xf32>
    %13 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%11 : tensor<2x16x16x16xf32>) outs(%12 : tensor<2x16x16x16xf32>) {
    ^bb0(%in: f32, %out: f32):
      %56 = arith.addf %in, %cst_1 : f32
      linalg.yield %56 : f32
    } -> tensor<2x16x16x16xf32>
    %14 = tensor.empty() : tensor<2x16x16x16xf32>
    %15 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%13 : tensor<2x16x16x16xf32>) outs(%14 : tensor<2x16x16x16xf32>) {
    ^bb0(%in: f32, %out: f32):
      %56 = arith.divf %cst_1, %in : f32
      linalg.yield %56 : f32
    } -> tensor<2x16x16x16xf32>
    %16 = tensor.empty() : tensor<2x16x16x16xf32>
    %17 = linalg.generic {indexing_maps = [#map, #map, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%7, %15 : tensor<2x16x16x16xf32>, tensor<2x16x16x16xf32>) outs(%16 : tensor<2x16x16x16xf32>) {
    ^bb0(%in: f32, %in_7: f32, %out: f32):
      %56 = arith.mulf %in, %in_7 : f32
      linalg.yield %56 : f32
    } -> tensor<2x16x16x16xf32>
    %18 = tensor.empty() : tensor<2x8x8x16xf32>
    %19 = linalg.generic {indexing_maps = [#map1, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%cst_3 : tensor<f32>) outs(%18 : tensor<2x8x8x16xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x8x8x16xf32>
    %padded_5 = tensor.pad %17 low[0, 0, 0, 0] high[0, 1, 1, 0] {
    ^bb0(%arg5: index, %arg6: index, %arg7: index, %arg8: index):
      tensor.yield %cst_0 : f32
    } : tensor<2x16x16x16xf32> to tensor<2x17x17x16xf32>
    %20 = tensor.empty() : tensor<3x3xf32>
    %21 = linalg.generic {indexing_maps = [#map2, #map3, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction"]} ins(%padded_5, %20 : tensor<2x17x17x16xf32>, tensor<3x3xf32>) outs(%19 : tensor<2x8x8x16xf32>) {
    ^bb0(%in: f32, %in_7: f32, %out: f32):
      %56 = arith.maximumf %out, %in : f32
      linalg.yield %56 : f32
    } -> tensor<2x8x8x16xf32>
    %22 = tensor.empty() : tensor<2x8x8x32xf32>
    %23 = linalg.fill ins(%cst_2 : f32) outs(%22 : tensor<2x8x8x32xf32>) -> tensor<2x8x8x32xf32>
    %padded_6 = tensor.pad %21 low[0, 2, 2, 0] high[0, 2, 2, 0] {
    ^bb0(%arg5: index, %arg6: index, %arg7: index, %arg8: index):
      tensor.yield %cst_2 : f32
    } : tensor<2x8x8x16xf32> to tensor<2x12x12x16xf32>
    %24 = linalg.conv_2d_nhwc_hwcf {dilations = dense<2> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>} ins(%padded_6, %arg3 : tensor<2x12x12x16xf32>, tensor<3x3x16x32xf32>) outs(%23 : tensor<2x8x8x32xf32>) -> tensor<2x8x8x32xf32>
    %25 = tensor.empty() : tensor<2x32xf32>
    %26 = linalg.fill ins(%cst_2 : f32) outs(%25 : tensor<2x32xf32>) -> tensor<2x32xf32>
    %27 = linalg.generic {indexing_maps = [#map5, #map6], iterator_types = ["parallel", "parallel", "reduction", "reduction"]} ins(%24 : tensor<2x8x8x32xf32>) outs(%26 : tensor<2x32xf32>) {
    ^bb0(%in: f32, %out: f32):
      %56 = arith.addf %out, %in : f32
      linalg.yield %56 : f32
    } -> tensor<2x32xf32>
    %28 = tensor.empty() : tensor<2x32xf32>
    %29 = linalg.generic {indexing_maps = [#map7, #map7], iterator_types = ["parallel", "parallel"]} ins(%27 : tensor<2x32xf32>) outs(%28 : tensor<2x32xf32>) {
    ^bb0(%in: f32, %out: f32):
      %56 = arith.divf %in, %cst : f32
      linalg.yield %56 : f32
    } -> tensor<2x32xf32>
    %30 = tensor.empty() : tensor<2x10xf32>
    %31 = linalg.fill ins(%cst_2 : f32) outs(%30 : tensor<2x10xf32>) -> tensor<2x10xf32>
    %32 = linalg.matmul ins(%29, %arg4 : tensor<2x32xf32>, tensor<32x10xf32>) outs(%31 : tensor<2x10xf32>) -> tensor<2x10xf32>
    %33 = tensor.empty() : tensor<2xf32>
    %34 = linalg.fill ins(%cst_0 : f32) outs(%33 : tensor<2xf32>) -> tensor<2xf32>
    %35 = linalg.generic {indexing_maps = [#map7, #map8], iterator_types = ["parallel", "reduction"]} ins(%32 : tensor<2x10xf32>) outs(%34 : tensor<2xf32>) {
    ^bb0(%in: f32, %out: f32):
      %56 = arith.maximumf %out, %in : f32
      linalg.yield %56 : f32
    } -> tensor<2xf32>
    %36 = tensor.empty() : tensor<2x10xf32>
    %37 = linalg.generic {indexing_maps = [#map8, #map7], iterator_types = ["parallel", "parallel"]} ins(%35 : tensor<2xf32>) outs(%36 : tensor<2x10xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x10xf32>
    %38 = tensor.empty() : tensor<2x10xf32>
    %39 = linalg.generic {indexing_maps = [#map7, #map7, #map7], iterator_types = ["parallel", "parallel"]} ins(%32, %37 : tensor<2x10xf32>, tensor<2x10xf32>) outs(%38 : tensor<2x10xf32>) {
    ^bb0(%in: f32, %in_7: f32, %out: f32):
      %56 = arith.subf %in, %in_7 : f32
      linalg.yield %56 : f32
    } -> tensor<2x10xf32>
    %40 = tensor.empty() : tensor<2x10xf32>
    %41 = linalg.generic {indexing_maps = [#map7, #map7], iterator_types = ["parallel", "parallel"]} ins(%39 : tensor<2x10xf32>) outs(%40 : tensor<2x10xf32>) {
    ^bb0(%in: f32, %out: f32):
      %56 = math.exp %in : f32
      linalg.yield %56 : f32
    } -> tensor<2x10xf32>
    %42 = tensor.empty() : tensor<2xf32>
    %43 = linalg.fill ins(%cst_2 : f32) outs(%42 : tensor<2xf32>) -> tensor<2xf32>
    %44 = linalg.generic {indexing_maps = [#map7, #map8], iterator_types = ["parallel", "reduction"]} ins(%41 : tensor<2x10xf32>) outs(%43 : tensor<2xf32>) {
    ^bb0(%in: f32, %out: f32):
      %56 = arith.addf %out, %in : f32
      linalg.yield %56 : f32
    } -> tensor<2xf32>
    %45 = tensor.empty() : tensor<2x10xf32>
    %46 = linalg.generic {indexing_maps = [#map8, #map7], iterator_types = ["parallel", "parallel"]} ins(%44 : tensor<2xf32>) outs(%45 : tensor<2x10xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x10xf32>
    %47 = tensor.empty() : tensor<2x10xf32>
    %48 = linalg.generic {indexing_maps = [#map7, #map7, #map7], iterator_types = ["parallel", "parallel"]} ins(%41, %46 : tensor<2x10xf32>, tensor<2x10xf32>) outs(%47 : tensor<2x10xf32>) {
    ^bb0(%in: f32, %in_7: f32, %out: f32):
      %56 = arith.divf %in, %in_7 : f32
      linalg.yield %56 : f32
    } -> tensor<2x10xf32>
    %49 = tensor.empty() : tensor<2x32xi32>
    %50 = linalg.generic {indexing_maps = [#map7], iterator_types = ["parallel", "parallel"]} outs(%49 : tensor<2x32xi32>) {
    ^bb0(%out: i32):
      %56 = linalg.index 1 : index
      %57 = arith.index_cast %56 : index to i32
      linalg.yield %57 : i32
    } -> tensor<2x32xi32>
    %51 = tensor.empty() : tensor<2xf32>
    %52 = linalg.fill ins(%cst_0 : f32) outs(%51 : tensor<2xf32>) -> tensor<2xf32>
    %53 = tensor.empty() : tensor<2xi32>
    %54 = linalg.fill ins(%c0_i32 : i32) outs(%53 : tensor<2xi32>) -> tensor<2xi32>
    %55:2 = linalg.generic {indexing_maps = [#map7, #map7, #map8, #map8], iterator_types = ["parallel", "reduction"]} ins(%29, %50 : tensor<2x32xf32>, tensor<2x32xi32>) outs(%52, %54 : tensor<2xf32>, tensor<2xi32>) {
    ^bb0(%in: f32, %in_7: i32, %out: f32, %out_8: i32):
      %56 = arith.cmpf ogt, %out, %in : f32
      %57 = arith.cmpf une, %out, %out : f32
      %58 = arith.ori %56, %57 : i1
      %59 = arith.cmpf oeq, %out, %in : f32
      %60 = arith.cmpi slt, %out_8, %in_7 : i32
      %61 = arith.andi %59, %60 : i1
      %62 = arith.ori %58, %61 : i1
      %63 = arith.select %58, %out, %in : f32
      %64 = arith.select %62, %out_8, %in_7 : i32
      linalg.yield %63, %64 : f32, i32
    } -> (tensor<2xf32>, tensor<2xi32>)
    return %48, %55#1 : tensor<2x10xf32>, tensor<2xi32>
  }
}

