//===- Messages.cpp - What passes say, as text ----------------------------===//

#include "compiler/driver/compile/Messages.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Location.h"

using namespace ladon;

std::string ladon::placeOf(mlir::Location location) {
  std::string place;
  location->walk([&](mlir::Location inner) {
    auto file = mlir::dyn_cast<mlir::FileLineColLoc>(inner);
    if (!file)
      return mlir::WalkResult::advance();
    place = file.getFilename().str() + ":" + std::to_string(file.getLine()) +
            ":" + std::to_string(file.getColumn());
    return mlir::WalkResult::interrupt();
  });
  return place;
}

Message::Message(mlir::Diagnostic &diagnostic)
    : place(placeOf(diagnostic.getLocation())), text(diagnostic.str()) {
  for (mlir::Diagnostic &note : diagnostic.getNotes()) {
    std::string said = note.str();
    // The whole operation: longer than all the rest, and in the file anyway.
    if (!llvm::StringRef(said).starts_with("see current operation"))
      notes.push_back(said);
  }
}

std::string Message::str() const {
  std::string result = place.empty() ? text : place + ": " + text;
  for (const std::string &note : notes)
    result += "\n  note: " + note;
  return result;
}

bool Message::operator==(const Message &other) const {
  return place == other.place && text == other.text && notes == other.notes;
}
