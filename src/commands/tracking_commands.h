// CLIENT TRACKING and what goes with it. Its rows are among those of client_commands.h.
#pragma once

#include "stave/error.h"

namespace stave::commands {

class Call;

Result<void> client_caching_command(Call& call);
Result<void> client_getredir_command(Call& call);
Result<void> client_tracking_command(Call& call);
Result<void> client_trackinginfo_command(Call& call);

}  // namespace stave::commands
