/* The baseline of validate.column: one pass over the bytes, characters, both check characters, one byte of mask a code. */
#include <stddef.h>
#include <stdint.h>

static const uint8_t weights[17] = {1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28};
static const uint8_t subject_weights[8] = {3, 7, 9, 10, 5, 8, 4, 2};

void judge(const uint8_t *codes, size_t count, const uint8_t *values, const uint8_t *subject_values, uint8_t *masks)
{
    for (size_t i = 0; i < count; i++, codes += 18) {
        unsigned sum = 0, subject = 0, wrong = 0;
        for (int p = 0; p < 17; p++) {
            unsigned value = values[codes[p]];
            wrong |= value;
            sum += value * weights[p];
        }
        for (int p = 0; p < 8; p++)
            subject += subject_values[codes[8 + p]] * subject_weights[p];
        unsigned last = values[codes[17]], own = codes[16] == 'X' ? 10 : (unsigned)(codes[16] - '0');
        masks[i] = (uint8_t)(((wrong | last) >> 7) | (((sum + last) % 31 != 0) << 1) | (((subject + own) % 11 != 0) << 2));
    }
}
