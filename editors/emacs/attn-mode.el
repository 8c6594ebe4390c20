;;; attn-mode.el --- Attention specs of Ladon -*- lexical-binding: t -*-

;;; Commentary:

;; Printed by `ladon syntax emacs'.

;;; Code:

(defconst attn-font-lock-keywords
  `(
    ("\\_<\\(?:fn\\|attention\\|param\\)\\s-+\\(\\sw+\\)"
     1 'font-lock-function-name-face)
    (,(concat (regexp-opt '( "scale" "score" "mask" "sinks" "pages" "dropout" "seed" "normalize" "divisor" "keep_heads" "heads" "sizes" "parts" "axis" "second" "at" "first" "weight" "eps" "bias" "base" "dims" "interleaved" "start" "positions" "frequencies" "cos" "sin") 'symbols) "\\s-*=\\(?:[^=]\\|$\\)")
     1 'font-lock-variable-name-face)
    (,(concat "\\." (regexp-opt '( "out" "lse" "scores" "weights" "mean_weights") 'symbols)) 1 'font-lock-variable-name-face)
    (,(regexp-opt '( "fn" "param" "attention" "let" "inout") 'symbols) . 'font-lock-keyword-face)
    (,(regexp-opt '( "return" "if" "then" "else" "in") 'symbols) . 'font-lock-keyword-face)
    (,(regexp-opt '( "and" "or" "not") 'symbols) . 'font-lock-keyword-face)
    (,(regexp-opt '( "true" "false" "inf") 'symbols) . 'font-lock-constant-face)
    (,(regexp-opt '( "i64" "bool" "u8" "i8" "i16" "i32" "f16" "bf16" "f32" "f64") 'symbols) . 'font-lock-type-face)
    (,(regexp-opt '( "attend" "split" "concat" "append" "transpose" "rms_norm" "layer_norm" "l2_norm" "rope") 'symbols) . 'font-lock-builtin-face)
    (,(regexp-opt '( "min" "max" "abs" "sign" "clamp" "exp" "exp2" "expm1" "log" "log2" "log1p" "sqrt" "rsqrt" "tanh" "sigmoid" "silu" "softplus" "relu" "erf" "gelu" "sin" "cos" "tan" "pow" "floor" "ceil" "round" "popcount" "isnan" "float" "int" "sum" "any" "all") 'symbols) . 'font-lock-builtin-face)
    (,(regexp-opt '( "causal" "causal_top_left" "window") 'symbols) . 'font-lock-constant-face)
    (,(regexp-opt '( "b" "h" "hk" "i" "j" "s" "offset") 'symbols) . 'font-lock-variable-name-face)
  )
  "What `attn-mode' colours.")

(defvar attn-mode-syntax-table
  (let ((table (make-syntax-table)))
    (modify-syntax-entry ?# "<" table)
    (modify-syntax-entry ?\n ">" table)
    (modify-syntax-entry ?_ "w" table)
    table)
  "Comments and words of `attn-mode'.")

;;;###autoload
(define-derived-mode attn-mode prog-mode "attn"
  "Major mode for attention specs of Ladon."
  (setq-local comment-start "# ")
  (setq-local comment-start-skip "#+\\s-*")
  (setq-local font-lock-defaults '(attn-font-lock-keywords)))

;;;###autoload
(add-to-list 'auto-mode-alist '("\\.attn\\'" . attn-mode))

(defvar eglot-server-programs)
(with-eval-after-load 'eglot
  (add-to-list 'eglot-server-programs '(attn-mode . ("ladon" "lsp"))))

(provide 'attn-mode)
;;; attn-mode.el ends here
