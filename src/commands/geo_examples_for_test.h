// Calls of the commands of places on the earth, for examples_for_test.h.
#pragma once

#include <vector>

namespace stave::commands {

/// `Example`: that of examples_for_test.h, which includes this.
template <class Example>
std::vector<Example> geo_examples() {
  return {
      {"geoadd",
       {{"GEOADD", "k", "13.361389", "38.115556", "a"},
        {"GEOADD", "k3", "CH", "15.087269", "37.502669", "b", "2", "3", "c"},
        {"GEOADD", "k", "200", "0", "a"}}},
      {"geodist", {{"GEODIST", "k", "a", "b"}, {"GEODIST", "k", "a", "b", "KM"}}},
      {"geohash", {{"GEOHASH", "k", "a", "none"}}},
      {"geopos", {{"GEOPOS", "k", "a", "none"}}},
      {"georadius",
       {{"GEORADIUS", "k", "0", "0", "30000", "KM", "WITHDIST"},
        {"GEORADIUS", "k", "0", "0", "30000", "KM", "STORE", "k3"}}},
      {"georadius_ro", {{"GEORADIUS_RO", "k", "0", "0", "30000", "KM", "ASC"}}},
      {"georadiusbymember",
       {{"GEORADIUSBYMEMBER", "k", "a", "1", "MI"}, {"GEORADIUSBYMEMBER", "k", "a", "30000", "KM", "STOREDIST", "k2"}}},
      {"georadiusbymember_ro", {{"GEORADIUSBYMEMBER_RO", "k", "a", "1000", "FT", "WITHCOORD"}}},
      {"geosearch",
       {{"GEOSEARCH", "k", "FROMMEMBER", "a", "BYBOX", "400", "400", "KM", "WITHHASH"},
        {"GEOSEARCH", "k", "FROMLONLAT", "0", "0", "BYRADIUS", "20000", "KM", "COUNT", "1", "DESC"},
        {"GEOSEARCH", "k", "BYPOLYGON", "3", "-180", "-85", "180", "-85", "0", "85"}}},
      {"geosearchstore",
       {{"GEOSEARCHSTORE", "k3", "k", "FROMMEMBER", "a", "BYRADIUS", "30000", "KM", "STOREDIST"},
        {"GEOSEARCHSTORE", "k", "k", "FROMLONLAT", "0", "0", "BYRADIUS", "1", "M"}}},
  };
}

}  // namespace stave::commands
