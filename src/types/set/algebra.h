// What several sets make together: intersection, union, difference.
//
// Each shows every member of the result once, in an order that follows from those of the sets, and stops when the visit
// says so. Cost: an intersection searches the other sets for each member of the smallest; a union hashes every member;
// a difference searches the others for each of the first's members, or hashes these and takes the others' away,
// whichever is less. Must not know: keys, where the sets lie. Threads: as of the readers.
#pragma once

#include <span>

#include "types/set/set.h"

namespace stave::types::set {

/// At least one; the same one may stand there several times.
using Readers = std::span<const Reader* const>;

void visit_intersection(Readers sets, Reader::Visit visit);
void visit_union(Readers sets, Reader::Visit visit);
/// What the first has and no other.
void visit_difference(Readers sets, Reader::Visit visit);

}  // namespace stave::types::set
