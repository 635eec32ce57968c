// A sum in blocks of BLOCK terms, whose sums are added up: rounding errors grow with what is added in a row.
#import shared/reals_*

const BLOCK = 32u;

struct BlockedSum {
    whole: Real,               // of the blocks that are full
    block: Real,
    terms: u32,                // so far
}

fn add_term(sum: ptr<function, BlockedSum>, term: Real) {
    (*sum).block += term;
    count_term(sum);
}

fn add_product(sum: ptr<function, BlockedSum>, x: Real, y: Real) {
    (*sum).block = fma(x, y, (*sum).block);
    count_term(sum);
}

fn count_term(sum: ptr<function, BlockedSum>) {
    (*sum).terms++;
    if ((*sum).terms % BLOCK == 0u) {
        (*sum).whole += (*sum).block;
        (*sum).block = Real(0.0);
    }
}

fn total_of(sum: BlockedSum) -> Real {
    return sum.whole + sum.block;
}
