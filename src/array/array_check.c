/* The rules of array_program.h, checked: for builds with FS_DEBUG, after each program is made.
 *
 * A program that breaks one is a fault of ours, whatever the expression: the process ends, and says
 * which rule and which instruction.
 */
#include "array/array_front.h"

#ifdef FS_DEBUG

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(const struct fs_array_program *program, bool holds, uint32_t instr,
                  const char *rule)
{
    if (!holds) {
        fprintf(stderr, "fullspeed: array program, instruction %u of %u: %s\n", instr,
                program->instr_count, rule);
        abort();
    }
}

static void check_instr(const struct fs_array_program *program, uint32_t at, bool *written)
{
    const struct fs_array_instr *instr = &program->instrs[at];
    unsigned result = fs_array_result(program);
    unsigned leaves = (unsigned)program->input_count + program->constant_count;
    check(program, instr->op < FS_ARRAY_OP_COUNT, at, "there is such an op");
    const struct fs_array_op_info *types = &fs_array_op_info[instr->op];
    for (int i = 0; i < types->count; i++) {
        unsigned reg = instr->src[i];
        check(program, reg < result && (reg < leaves || written[reg]), at, "operands have a value");
        check(program, program->types[reg] == types->args[i], at, "operands have the op's types");
    }
    bool is_result = at + 1 == program->instr_count && program->reduce == FS_ARRAY_REDUCE_NONE;
    check(program, is_result == (instr->dst == result), at, "the last one writes the result");
    check(program, is_result || (instr->dst >= leaves && instr->dst < result), at,
          "all others write temporaries");
    unsigned type = is_result ? program->result_type : program->types[instr->dst];
    check(program, type == types->result, at, "the register has the result's type");
    check(program, is_result || type < FS_ARRAY_BYTES, at, "no temporary is a string");
    if (!is_result) {
        written[instr->dst] = true;
    }
}

void fs_array_check_program(const struct fs_array_program *program)
{
    unsigned result = fs_array_result(program);
    unsigned leaves = (unsigned)program->input_count + program->constant_count;
    bool *written = calloc(result + 1, sizeof *written);
    if (written == NULL) {
        return;
    }
    for (uint32_t i = 0; i < program->instr_count; i++) {
        check_instr(program, i, written);
    }
    if (program->reduce == FS_ARRAY_REDUCE_NONE) {
        check(program, program->instr_count > 0, 0, "there is an instruction");
    } else {
        unsigned source = program->reduce_source;
        check(program, source < result && (source < leaves || written[source]), 0,
              "what is reduced has a value");
        check(program, program->types[source] == program->result_type, 0,
              "a reduction keeps the type");
    }
    for (unsigned i = 0; i < program->input_count; i++) {
        check(program, program->names[i] != NULL && program->names[i][0] != '\0', 0,
              "inputs have names");
    }
    free(written);
}

#else

void fs_array_check_program(const struct fs_array_program *program)
{
}

#endif
