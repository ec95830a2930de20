#include "svc/directory/fold.h"

#include "tap.h"

static const char *folded(const char *s)
{
	static char text[512];
	struct buf b = BUF_ON(text);
	fold_put(&b, str_of(s));
	OK(b.len <= strlen(s));
	text[b.len] = 0;
	return text;
}

#define FOLDS(from, to) EQ_STR(str_of(folded(from)), to)

static void case_and_accents_are_dropped(void)
{
	FOLDS("", "");
	FOLDS("Alice-B 7", "alice-b 7");
	FOLDS("\u00c4\u00d6\u00dc \u00e4\u00f6\u00fc\u00df", "aou aouss");
	FOLDS("\u00c5ngstr\u00f6m", "angstrom");
	FOLDS("Fran\u00e7ois \u00c6gir \u00d8re", "francois aegir ore");
	FOLDS("\u0141ukasz \u017b\u00f3\u0142\u0107", "lukasz zolc");
	FOLDS("Dvo\u0159\u00e1k \u0110or\u0111e \u0132 \u0152", "dvorak dorde ij oe");
	FOLDS("\u00de\u00f3r", "thor");
}

static void combining_marks_are_dropped(void)
{
	FOLDS("Mu\u0308ller", "muller");
}

static void greek_and_cyrillic_capitals_become_small(void)
{
	FOLDS("\u0418\u0432\u0430\u043d \u0401", "\u0438\u0432\u0430\u043d \u0451");
	FOLDS("\u0391\u03a9", "\u03b1\u03c9");
}

static void other_scripts_stand_as_they_are(void)
{
	FOLDS("\u5f20\u4f1f", "\u5f20\u4f1f");
	FOLDS("\U0001f600", "\U0001f600");
}

static void marks_and_broken_bytes_become_blanks(void)
{
	FOLDS("O\u2019Brien", "o brien");
	FOLDS("a\u00a0b", "a b");
	FOLDS("a\xff"
	      "b\xc3",
	      "a b ");
}

static void text_is_cut_into_words(void)
{
	struct str rest = STR("  o'brien-\u5f20 7. "), w;
	OK(fold_word(&rest, &w));
	EQ_STR(w, "o");
	OK(fold_word(&rest, &w));
	EQ_STR(w, "brien");
	OK(fold_word(&rest, &w));
	EQ_STR(w, "\u5f20");
	OK(fold_word(&rest, &w));
	EQ_STR(w, "7");
	OK(!fold_word(&rest, &w));
	EQ(rest.len, 0);
}

int main(void)
{
	RUN(case_and_accents_are_dropped);
	RUN(combining_marks_are_dropped);
	RUN(greek_and_cyrillic_capitals_become_small);
	RUN(other_scripts_stand_as_they_are);
	RUN(marks_and_broken_bytes_become_blanks);
	RUN(text_is_cut_into_words);
	return tap_done();
}
