//===- files_test.cpp - All files in place, or none -----------------------===//

#include "artifact_support.h"
#include "compiler/support/Files.h"
#include "compiler/support/MemoryFile.h"

#include "llvm/Support/Path.h"

#include <csignal>
#include <set>
#include <sys/file.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace ladon::test;
using ladon::InputFile;
using ladon::MemoryFile;
using ladon::OutputFile;
using ladon::OutputPipe;
using ladon::writeFilesAtomically;

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

unsigned modeOf(const std::string &path) {
  struct stat status = {};
  stat(path.c_str(), &status);
  return status.st_mode & 07777;
}

/// What `code` returns in a child that may write no file over `limit` bytes,
/// as on a disk that is full.
int onFullDisk(rlim_t limit, function_ref<Error()> code) {
  pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    rlimit files = {limit, limit};
    setrlimit(RLIMIT_FSIZE, &files);
    std::string message = toString(code());
    _exit(StringRef(message).ends_with("File too large") ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  return status;
}

} // namespace

TEST(Files, allAppearWithTheirModes) {
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

TEST(Files, noneAppearWhenOneCannotBeWritten) {
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

TEST(Files, aLateFailureRestoresWhatWasThere) {
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

//===--- Leftovers --------------------------------------------------------===//

TEST(Files, whatAKilledProcessLeftIsRemoved) {
  TemporaryDirectory directory;
  for (const char *name : {".a-0123abcd.tmp", ".a-ffffffff.old"})
    writeFile(directory / name, "left");
  // These are somebody else's.
  std::set<std::string> others = {".a-0123abcd.txt", ".a-0123abc.tmp",
                                  ".a-0123abcg.tmp", ".ab-0123abcd.tmp",
                                  "a-0123abcd.tmp",  ".a.tmp"};
  for (const std::string &name : others)
    writeFile(directory / name, "mine");
  ASSERT_FALSE(errorToBool(writeFilesAtomically({{directory / "a", "1"}})));
  others.insert("a");
  EXPECT_EQ(list(directory), others);
  writeFile(directory / ".a-0123abcd.tmp", "left");
  ASSERT_FALSE(errorToBool(ladon::writeFile(directory / "a", "2")));
  EXPECT_EQ(list(directory), others);
}

TEST(Files, whatAnotherProcessIsAboutToUseStays) {
  TemporaryDirectory directory;
  writeFile(directory / ".a-0123abcd.tmp", "in use");
  int lock = open(directory.path.c_str(), O_RDONLY | O_DIRECTORY);
  ASSERT_EQ(flock(lock, LOCK_EX), 0);
  pid_t child = fork();
  if (child == 0) {
    close(lock); // the parent's copy keeps it
    _exit(errorToBool(writeFilesAtomically({{directory / "a", "1"}})));
  }
  usleep(50000);
  EXPECT_EQ(list(directory), (std::set<std::string>{".a-0123abcd.tmp"}));
  close(lock);
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(list(directory), (std::set<std::string>{"a"}));
}

TEST(Files, aKillAtAnyMomentLeavesWholeFilesAndATrueLastOne) {
  // A child writes three files over three older ones and is killed at each of
  // its system calls in turn.
  unsigned torn = 0, untold = 0, kills = 0;
  bool finished = false;
  for (int calls = 0; !finished && calls < 500; ++calls) {
    TemporaryDirectory directory;
    std::vector<OutputFile> files;
    for (const char *name : {"a", "b", "c"}) {
      writeFile(directory / name, "old");
      files.push_back({directory / name, "new"});
    }
    pid_t child = fork();
    if (child == 0) {
      ptrace(PTRACE_TRACEME);
      raise(SIGSTOP);
      _exit(errorToBool(writeFilesAtomically(files)));
    }
    int status = 0;
    waitpid(child, &status, 0);
    for (int call = 0; call < calls && WIFSTOPPED(status); ++call) {
      ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
      waitpid(child, &status, 0);
    }
    finished = WIFEXITED(status);
    if (finished) {
      ASSERT_EQ(WEXITSTATUS(status), 0);
    } else {
      kill(child, SIGKILL);
      waitpid(child, &status, 0);
      ++kills;
    }
    std::string a = readFile(directory / "a"), b = readFile(directory / "b"),
                c = readFile(directory / "c");
    for (const std::string &text : {a, b})
      torn += text != "old" && text != "new";
    torn += c != "old" && c != "new" && c != "<absent>";
    untold += c != "<absent>" && (a != c || b != c);
    // The next one tidies up.
    ASSERT_FALSE(errorToBool(writeFilesAtomically(files)));
    EXPECT_EQ(list(directory), (std::set<std::string>{"a", "b", "c"}));
    EXPECT_EQ(readFile(directory / "c"), "new");
  }
  EXPECT_TRUE(finished);
  EXPECT_GT(kills, 30u);
  EXPECT_EQ(torn, 0u);
  EXPECT_EQ(untold, 0u);
}

//===--- One file ---------------------------------------------------------===//

TEST(Files, oneFileKeepsItsMode) {
  TemporaryDirectory directory;
  for (unsigned mode : {0600u, 0644u, 0755u, 0666u}) {
    writeFile(directory / "a", "old");
    chmod((directory / "a").c_str(), mode);
    ASSERT_FALSE(errorToBool(ladon::writeFile(directory / "a", "new")));
    EXPECT_EQ(readFile(directory / "a"), "new");
    EXPECT_EQ(modeOf(directory / "a"), mode);
  }
  mode_t mask = umask(027);
  ASSERT_FALSE(errorToBool(ladon::writeFile(directory / "b", "new")));
  umask(mask);
  EXPECT_EQ(modeOf(directory / "b"), 0640u);
}

TEST(Files, aLinkStaysOne) {
  TemporaryDirectory directory;
  sys::fs::create_directory(directory / "far");
  writeFile(directory / "far/a", "old");
  ASSERT_EQ(symlink("far/a", (directory / "link").c_str()), 0);
  ASSERT_FALSE(errorToBool(ladon::writeFile(directory / "link", "new")));
  EXPECT_EQ(readFile(directory / "far/a"), "new");
  bool isLink = false;
  ASSERT_FALSE(sys::fs::is_symlink_file(directory / "link", isLink));
  EXPECT_TRUE(isLink);
}

TEST(Files, aFullDiskKeepsTheOldFile) {
  TemporaryDirectory directory;
  std::string bytes(100000, 'x');
  writeFile(directory / "a", "old");
  EXPECT_EQ(onFullDisk(
                5000, [&] { return ladon::writeFile(directory / "a", bytes); }),
            0);
  EXPECT_EQ(onFullDisk(
                5000, [&] { return ladon::writeFile(directory / "b", bytes); }),
            0);
  EXPECT_EQ(
      onFullDisk(5000,
                 [&] {
                   return writeFilesAtomically(
                       {{directory / "a", "new"}, {directory / "c", bytes}});
                 }),
      0);
  EXPECT_EQ(readFile(directory / "a"), "old");
  EXPECT_EQ(list(directory), (std::set<std::string>{"a"}));
}

TEST(Files, aDeviceIsWrittenIntoAndItsErrorsAreSeen) {
  EXPECT_EQ(toString(ladon::writeFile("/dev/full", "x")),
            "/dev/full: No space left on device");
  EXPECT_FALSE(errorToBool(ladon::writeFile("/dev/null", "x")));
  struct stat status;
  ASSERT_EQ(stat("/dev/null", &status), 0);
  EXPECT_TRUE(S_ISCHR(status.st_mode));
}

TEST(Files, errorsNameThePath) {
  TemporaryDirectory directory;
  EXPECT_EQ(toString(ladon::writeFile(directory / "no/a", "x")),
            (directory / "no/a") + ": No such file or directory");
  EXPECT_EQ(toString(ladon::writeFile(directory.path, "x")),
            (directory.path + ": Is a directory").str());
}

TEST(Files, namesMayBeAsLongAsAFileSystemAllows) {
  TemporaryDirectory directory;
  std::string name(255, 'n');
  ASSERT_FALSE(errorToBool(ladon::writeFile(directory / name, "x")));
  ASSERT_FALSE(errorToBool(ladon::writeFile(directory / name, "y")));
  EXPECT_EQ(list(directory), (std::set<std::string>{name}));
}

//===--- Input ------------------------------------------------------------===//

TEST(InputFile, givesNoMoreThanIsAskedFor) {
  auto device = InputFile::open("/dev/zero");
  ASSERT_TRUE(bool(device));
  EXPECT_EQ(*device->peek(3), StringRef("\0\0\0", 3));
  EXPECT_EQ(device->peek(200000)->size(), 200000u);
  EXPECT_EQ(device->peek(5)->size(), 5u);
  TemporaryDirectory directory;
  writeFile(directory / "a", "abcdef");
  auto file = InputFile::open(directory / "a");
  ASSERT_TRUE(bool(file));
  EXPECT_EQ(*file->peek(4), "abcd");
  EXPECT_EQ(*file->peek(1 << 20), "abcdef");
}

TEST(InputFile, errorsNameThePath) {
  TemporaryDirectory directory;
  EXPECT_EQ(toString(InputFile::open(directory.path).takeError()),
            (directory.path + ": Is a directory").str());
  EXPECT_EQ(toString(InputFile::open(directory / "a").takeError()),
            (directory / "a") + ": No such file or directory");
}

//===--- Files in memory --------------------------------------------------===//

TEST(MemoryFile, isReadByItsPath) {
  std::string bytes(300000, 'm');
  auto file = MemoryFile::create("name", bytes);
  ASSERT_TRUE(bool(file));
  MemoryFile moved = std::move(*file);
  std::string path = moved.path();
  EXPECT_EQ(readFile(path), bytes);
  moved = std::move(*MemoryFile::create("other", "2"));
  EXPECT_EQ(readFile(moved.path()), "2");
}

TEST(OutputPipe, collectsWhatIsWritten) {
  auto pipe = OutputPipe::create();
  ASSERT_TRUE(bool(pipe));
  std::string bytes;
  for (int i = 0; i < 100000; ++i) // more than a pipe holds
    bytes += std::to_string(i);
  writeFile((*pipe)->path(), bytes);
  EXPECT_EQ((*pipe)->finish(), bytes);
  // One that nobody writes to ends with its object.
  EXPECT_TRUE(bool(OutputPipe::create()));
}
