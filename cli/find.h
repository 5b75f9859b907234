/* What the files of `unstage find` share. */
#pragma once

#include "cli/cli.h"

/* A paragraph each; nothing where there is nothing to tell. */
void screen_accounts(struct screen *screen, const struct findings *findings);
void screen_forecast(struct screen *screen, const struct findings_summary *summary);
/* ,"exports":[…],"forecast":… */
void screen_accounts_json(struct screen *screen, const struct findings *findings);
