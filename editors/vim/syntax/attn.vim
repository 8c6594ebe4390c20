" Vim syntax of attention specs. Printed by `ladon syntax vim`.
if exists('b:current_syntax')
  finish
endif
syntax case match

syntax keyword attnDeclaration fn param attention let inout
syntax keyword attnControl return if then else in
syntax keyword attnOperator and or not
syntax keyword attnConstant true false inf
syntax keyword attnType i64 bool u8 i8 i16 i32 f16 bf16 f32 f64
syntax keyword attnOperation attend split concat append transpose rms_norm layer_norm l2_norm rope
syntax keyword attnFunction min max abs sign clamp exp exp2 expm1 log log2 log1p sqrt rsqrt tanh sigmoid silu softplus relu erf gelu sin cos tan pow floor ceil round popcount isnan float int sum any all
syntax keyword attnMask causal causal_top_left window
syntax keyword attnPosition b h hk i j s offset
syntax match attnArgument /\v<(scale|score|mask|sinks|pages|dropout|seed|normalize|divisor|keep_heads|heads|sizes|parts|axis|second|at|first|weight|eps|bias|base|dims|interleaved|start|positions|frequencies|cos|sin)>\ze\s*\=\=@!/
syntax match attnResult /\v\.@<=(out|lse|scores|weights|mean_weights)>/
syntax match attnName /\v(<(fn|attention|param)\s+)@<=\h\w*/
syntax match attnNumber /\v<(0[xX]\x+|\d+(\.\d+)?([eE][+-]?\d+)?)>/
syntax match attnComment /#.*$/ contains=@Spell

highlight default link attnDeclaration Keyword
highlight default link attnControl Conditional
highlight default link attnOperator Operator
highlight default link attnConstant Constant
highlight default link attnType Type
highlight default link attnOperation Function
highlight default link attnFunction Function
highlight default link attnMask Special
highlight default link attnPosition Identifier
highlight default link attnArgument Label
highlight default link attnResult Identifier
highlight default link attnName Function
highlight default link attnNumber Number
highlight default link attnComment Comment

let b:current_syntax = 'attn'
