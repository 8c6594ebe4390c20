//===- artifact_files_test.cpp - All files in place, or none --------------===//

#include "artifact_support.h"

#include "llvm/Support/Path.h"

#include <set>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace ladon::test;

namespace {

/// The names in a directory, hidden ones included.
std::set<std::string> list(const TemporaryDirectory &directory) {
  std::set<std::string> names;
  std::error_code code;
  for (sys::fs::directory_iterator it(directory.path, code), end; it != end;
       it.increment(code))
    names.insert(sys::path::filename(it->path()).str());
  return names;
}

} // namespace

TEST(ArtifactFiles, allAppearWithTheirModes) {
  TemporaryDirectory directory;
  writeFile(directory / "b", "old");
  ASSERT_FALSE(errorToBool(writeFilesAtomically(
      {{directory / "a", "1", 0644}, {directory / "b", "2", 0755}})));
  EXPECT_EQ(readFile(directory / "a"), "1");
  EXPECT_EQ(readFile(directory / "b"), "2");
  struct stat status;
  stat((directory / "b").c_str(), &status);
  EXPECT_TRUE(status.st_mode & S_IXUSR);
  EXPECT_EQ(list(directory), (std::set<std::string>{"a", "b"}));
}

TEST(ArtifactFiles, noneAppearWhenOneCannotBeWritten) {
  TemporaryDirectory directory;
  writeFile(directory / "a", "old");
  sys::fs::create_directory(directory / "c");
  std::string message = toString(writeFilesAtomically({{directory / "a", "new"},
                                                       {directory / "b", "new"},
                                                       {directory / "c", ""}}));
  EXPECT_EQ(message,
            "cannot write '" + (directory / "c") + "': Is a directory");
  message = toString(writeFilesAtomically(
      {{directory / "a", "new"}, {directory / "no/d", ""}}));
  EXPECT_EQ(message, "cannot write '" + (directory / "no/d") +
                         "': No such file or directory");
  EXPECT_EQ(readFile(directory / "a"), "old");
  EXPECT_EQ(list(directory), (std::set<std::string>{"a", "c"}));
}

TEST(ArtifactFiles, aLateFailureRestoresWhatWasThere) {
  if (geteuid() != 0)
    GTEST_SKIP() << "needs a second user";
  // In a directory where files may be made by all, and replaced by their owner
  // only, nobody's new file a is in place before root's b turns out not to be
  // replaceable.
  TemporaryDirectory directory;
  writeFile(directory / "a", "old");
  writeFile(directory / "b", "old");
  const unsigned nobody = 65534;
  ASSERT_EQ(chown((directory / "a").c_str(), nobody, nobody), 0);
  ASSERT_EQ(chmod(directory.path.c_str(), 01777), 0);
  pid_t child = fork();
  if (child == 0) {
    if (setuid(nobody) != 0)
      _exit(2);
    std::string message =
        toString(writeFilesAtomically({{directory / "a", "new"},
                                       {directory / "n", "new"},
                                       {directory / "b", "new"}}));
    _exit(StringRef(message).ends_with("b': Operation not permitted") ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(readFile(directory / "a"), "old");
  EXPECT_EQ(readFile(directory / "b"), "old");
  EXPECT_EQ(list(directory), (std::set<std::string>{"a", "b"}));
}
