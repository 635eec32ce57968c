// One element at a time.
alias Item = u32;
