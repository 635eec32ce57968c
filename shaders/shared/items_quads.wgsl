// Four consecutive elements at a time.
alias Item = vec4<u32>;
