#include "types/pages.h"

#include <string>

namespace stave::types {

void Pages::edit(PageId page, base::Edits edits) {
  const std::string_view bytes = read(page);
  if (bytes.empty()) return;  // it cannot be had
  std::string edited(base::edited_size(edits, bytes.size()), '\0');
  base::copy_edited(bytes, edits, edited.data());
  write(page, edited);
}

}  // namespace stave::types
