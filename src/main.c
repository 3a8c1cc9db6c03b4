/* main.c: the verbs. */
#include <stdio.h>

int main(int argc, char **argv)
{
    fprintf(stderr, "usage: sluice VERB ...\n");
    return argc > 100 || !argv ? 1 : 2;
}
