// Calls of the commands of sketches, for examples_for_test.h.
#pragma once

#include <vector>

namespace stave::commands {

/// `Example`: that of examples_for_test.h, which includes this.
template <class Example>
std::vector<Example> sketch_examples() {
  return {
      {"bf.add", {{"BF.ADD", "k", "a"}, {"BF.ADD", "k3", "a"}}},
      {"bf.card", {{"BF.CARD", "k"}}},
      {"bf.exists", {{"BF.EXISTS", "k", "a"}}},
      {"bf.info", {{"BF.INFO", "k"}, {"BF.INFO", "k", "ITEMS"}}},
      {"bf.insert",
       {{"BF.INSERT", "k", "NOCREATE", "ITEMS", "a"},
        {"BF.INSERT", "k3", "CAPACITY", "10", "ERROR", "0.1", "ITEMS", "a"}}},
      {"bf.loadchunk", {{"BF.LOADCHUNK", "k3", "1", "damaged"}, {"BF.LOADCHUNK", "k", "2", "x"}}},
      {"bf.madd", {{"BF.MADD", "k", "a", "b", "c"}}},
      {"bf.mexists", {{"BF.MEXISTS", "k", "a", "b"}}},
      {"bf.reserve",
       {{"BF.RESERVE", "k3", "0.01", "1000"},
        {"BF.RESERVE", "k", "0.001", "50000", "NONSCALING"},
        {"BF.RESERVE", "k", "2", "1"}}},
      {"cf.add", {{"CF.ADD", "k", "a"}, {"CF.ADD", "k3", "a"}}},
      {"cf.addnx", {{"CF.ADDNX", "k", "a"}, {"CF.ADDNX", "k3", "a"}}},
      {"cf.compact", {{"CF.COMPACT", "k"}}},
      {"cf.count", {{"CF.COUNT", "k", "a"}}},
      {"cf.del", {{"CF.DEL", "k", "a"}}},
      {"cf.exists", {{"CF.EXISTS", "k", "a"}}},
      {"cf.info", {{"CF.INFO", "k"}}},
      {"cf.insert",
       {{"CF.INSERT", "k3", "CAPACITY", "100", "ITEMS", "a", "b"}, {"CF.INSERT", "k", "NOCREATE", "ITEMS", "a"}}},
      {"cf.insertnx", {{"CF.INSERTNX", "k", "ITEMS", "a", "b"}}},
      {"cf.loadchunk", {{"CF.LOADCHUNK", "k3", "1", "damaged"}}},
      {"cf.mexists", {{"CF.MEXISTS", "k", "a", "b"}}},
      {"cf.reserve", {{"CF.RESERVE", "k3", "1000"}, {"CF.RESERVE", "k", "50000", "BUCKETSIZE", "4"}}},
      {"cf.scandump", {{"CF.SCANDUMP", "k", "0"}}},
      {"cms.incrby", {{"CMS.INCRBY", "k", "a", "3"}, {"CMS.INCRBY", "k", "a", "1", "b", "2"}}},
      {"cms.info", {{"CMS.INFO", "k"}}},
      {"cms.initbydim", {{"CMS.INITBYDIM", "k3", "10", "3"}, {"CMS.INITBYDIM", "k", "1000", "5"}}},
      {"cms.initbyprob", {{"CMS.INITBYPROB", "k3", "0.01", "0.01"}, {"CMS.INITBYPROB", "k3", "2", "0.01"}}},
      {"cms.merge", {{"CMS.MERGE", "k", "1", "k2"}, {"CMS.MERGE", "k", "2", "k", "k2", "WEIGHTS", "1", "2"}}},
      {"cms.query", {{"CMS.QUERY", "k", "a", "b"}}},
      {"bf.scandump", {{"BF.SCANDUMP", "k", "0"}, {"BF.SCANDUMP", "k", "1"}}},
      {"tdigest.add", {{"TDIGEST.ADD", "k", "1", "2.5"}, {"TDIGEST.ADD", "k", "x"}}},
      {"tdigest.byrank", {{"TDIGEST.BYRANK", "k", "0", "1"}}},
      {"tdigest.byrevrank", {{"TDIGEST.BYREVRANK", "k", "0", "1"}}},
      {"tdigest.cdf", {{"TDIGEST.CDF", "k", "1"}}},
      {"tdigest.create", {{"TDIGEST.CREATE", "k3"}, {"TDIGEST.CREATE", "k", "COMPRESSION", "200"}}},
      {"tdigest.info", {{"TDIGEST.INFO", "k"}}},
      {"tdigest.max", {{"TDIGEST.MAX", "k"}}},
      {"tdigest.merge", {{"TDIGEST.MERGE", "k", "1", "k2"}, {"TDIGEST.MERGE", "k3", "2", "k", "k2", "OVERRIDE"}}},
      {"tdigest.min", {{"TDIGEST.MIN", "k"}}},
      {"tdigest.quantile", {{"TDIGEST.QUANTILE", "k", "0.5"}}},
      {"tdigest.rank", {{"TDIGEST.RANK", "k", "1"}}},
      {"tdigest.reset", {{"TDIGEST.RESET", "k"}}},
      {"tdigest.revrank", {{"TDIGEST.REVRANK", "k", "1"}}},
      {"tdigest.trimmed_mean", {{"TDIGEST.TRIMMED_MEAN", "k", "0.1", "0.9"}}},
      {"topk.add", {{"TOPK.ADD", "k", "a", "b"}, {"TOPK.ADD", "k3", "a"}}},
      {"topk.count", {{"TOPK.COUNT", "k", "a"}}},
      {"topk.incrby", {{"TOPK.INCRBY", "k", "a", "3"}, {"TOPK.INCRBY", "k", "a", "-1", "b", "2"}}},
      {"topk.info", {{"TOPK.INFO", "k"}}},
      {"topk.list", {{"TOPK.LIST", "k"}, {"TOPK.LIST", "k", "WITHCOUNT"}}},
      {"topk.query", {{"TOPK.QUERY", "k", "a", "b"}}},
      {"topk.reserve", {{"TOPK.RESERVE", "k3", "3"}, {"TOPK.RESERVE", "k", "10", "8", "7", "0.9"}}},
  };
}

}  // namespace stave::commands
