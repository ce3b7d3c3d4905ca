#include "doors/resp/redis_conf.h"

#include <gtest/gtest.h>

#include "doors/resp/settings.h"

namespace stave::resp {
namespace {

TEST(RedisConf, takes_what_both_know_and_tells_the_rest_once) {
  const auto conf = read_conf("redis.conf",
                              "# Redis\nport 7000\nappendonly no\nrdb-del-sync-files no\nrepl-diskless-sync yes\n"
                              "rdb-del-sync-files no\nmaxmemory 100mb\ncluster-enabled no\n");
  ASSERT_TRUE(conf) << conf.error().message();
  EXPECT_EQ(conf->text, "# Redis\nport 7000\n#\n#\n#\n#\nmaxmemory 100mb\n#\n") << "lines keep their numbers";
  EXPECT_EQ(conf->without_meaning,
            (std::vector<std::string>{"rdb-del-sync-files", "repl-diskless-sync", "cluster-enabled"}));
  ASSERT_EQ(conf->notes.size(), 1u);
  EXPECT_TRUE(conf->notes[0].starts_with("appendonly is always \"yes\"")) << conf->notes[0];
  Settings settings;
  ASSERT_TRUE(settings.load("redis.conf", conf->text));
  EXPECT_EQ(settings.number(option_id("port")), 7000);
}

TEST(RedisConf, refuses_by_name_what_would_mislead) {
  for (const std::string line : {"replicaof 10.0.0.1 6379", "cluster-enabled yes", "rename-command FLUSHALL \"\"",
                                 "loadmodule /x.so"}) {
    const auto conf = read_conf("redis.conf", "port 1\n" + line + "\n");
    ASSERT_FALSE(conf) << line;
    EXPECT_EQ(conf.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_TRUE(conf.error().message().starts_with("redis.conf, line 2: " + line.substr(0, line.find(' ')) + ": "))
        << conf.error().message();
  }
}

TEST(RedisConf, tells_what_a_misspelt_name_may_mean) {
  const auto conf = read_conf("f", "maxmemmory 1gb\n");
  ASSERT_FALSE(conf);
  EXPECT_EQ(conf.error().message(), "f, line 1: there is no option \"maxmemmory\"; did you mean maxmemory?");
}

}  // namespace
}  // namespace stave::resp
