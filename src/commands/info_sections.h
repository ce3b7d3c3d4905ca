// What stands in each section of INFO.
#pragma once

#include <array>
#include <string_view>

#include "commands/environment.h"
#include "commands/host.h"

namespace stave::commands {

struct InfoSection {
  std::string_view name;   ///< As it is asked for.
  std::string_view title;  ///< As it is printed.
  bool by_default;
  InfoFields (*fields)(Environment&);
  bool of_keys = false;  ///< Tells of what the databases hold, and not only of the process.
};

InfoFields server_fields(Environment& environment);
InfoFields clients_fields(Environment& environment);
InfoFields memory_fields(Environment& environment);
InfoFields persistence_fields(Environment& environment);
InfoFields stave_fields(Environment& environment);
InfoFields stats_fields(Environment& environment);
InfoFields replication_fields(Environment& environment);
InfoFields cpu_fields(Environment& environment);
InfoFields commandstats_fields(Environment& environment);
InfoFields errorstats_fields(Environment& environment);
InfoFields latencystats_fields(Environment& environment);
InfoFields cluster_fields(Environment& environment);
InfoFields keyspace_fields(Environment& environment);

inline constexpr std::array kInfoSections = {
    InfoSection{"server", "Server", true, server_fields},
    InfoSection{"clients", "Clients", true, clients_fields},
    InfoSection{"memory", "Memory", true, memory_fields},
    InfoSection{"persistence", "Persistence", true, persistence_fields},
    InfoSection{"stave", "Stave", true, stave_fields},
    InfoSection{"stats", "Stats", true, stats_fields},
    InfoSection{"replication", "Replication", true, replication_fields},
    InfoSection{"cpu", "CPU", true, cpu_fields},
    InfoSection{"commandstats", "Commandstats", false, commandstats_fields},
    InfoSection{"errorstats", "Errorstats", true, errorstats_fields},
    InfoSection{"latencystats", "Latencystats", false, latencystats_fields},
    InfoSection{"cluster", "Cluster", true, cluster_fields},
    InfoSection{"keyspace", "Keyspace", true, keyspace_fields, true},
};

/// The section's own fields and those of the host, which replace ours of the same name.
InfoFields section_fields(Environment& environment, const InfoSection& section);

}  // namespace stave::commands
