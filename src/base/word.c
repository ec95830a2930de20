#include "base/word.h"

size_t word_distance(struct str a, struct str b)
{
	size_t d[3][WORD_MAX + 1];
	a = str_sub(a, 0, WORD_MAX);
	b = str_sub(b, 0, WORD_MAX);
	for (size_t j = 0; j <= b.len; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t *row = d[i % 3], *up = d[(i + 2) % 3], *up2 = d[(i + 1) % 3];
		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			size_t same = a.p[i - 1] == b.p[j - 1] ? 0 : 1;
			row[j] = MIN(MIN(up[j], row[j - 1]) + 1, up[j - 1] + same);
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1])
				row[j] = MIN(row[j], up2[j - 2] + 1);
		}
	}
	return d[a.len % 3][b.len];
}

bool word_is_near(struct str word, struct str known)
{
	if (word.len > 1 && str_starts(known, word))
		return true;
	return word_distance(word, known) <= (known.len + 1) / 3 && known.len > 2;
}
