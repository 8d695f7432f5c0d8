package main

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gcat/internal/testing/script"
)

const page = "../../man/gpack.1"

// TestManual holds the manual page to --help, and to mandoc.
func TestManual(t *testing.T) {
	t.Parallel()
	script.Manual(t, "gpack", page)
}

// TestManExamples runs the transcripts under EXAMPLES and RECIPES, in a directory
// with the files that they read.
func TestManExamples(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, examples, _ := strings.Cut(string(source), ".Sh EXAMPLES")
	examples, _, _ = strings.Cut(examples, ".Sh SEE ALSO")
	blocks := regexp.MustCompile(`(?s)\.Bd -literal[^\n]*\n(.*?)\.Ed`).FindAllStringSubmatch(examples, -1)
	if len(blocks) < 15 {
		t.Fatalf("%d examples", len(blocks))
	}
	dir := t.TempDir()
	samples(t, dir)
	for _, block := range blocks {
		text := strings.ReplaceAll(block[1], `\e`, `\`)
		for _, example := range strings.Split("\n"+text, "\n$ ")[1:] {
			command, want, _ := strings.Cut(strings.ReplaceAll(example, "\\\n", ""), "\n")
			cmd := exec.Command("sh", "-c", command)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "PATH="+strings.TrimSuffix(script.Path("gpack"), "/gpack")+":"+os.Getenv("PATH"))
			got, err := cmd.CombinedOutput()
			if err != nil || strings.TrimSuffix(string(got), "\n") != strings.TrimSuffix(want, "\n") {
				t.Errorf("%s\ngot  %q %v\nwant %q", command, got, err, want)
			}
		}
	}
}

// samples writes the files that the recipes read.
func samples(t *testing.T, dir string) {
	// A gray picture of one pixel.
	dot, err := hex.DecodeString("89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55" +
		"0000000a49444154789c636000000002000148afa4710000000049454e44ae426082")
	if err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	for _, text := range []string{"hello", "world"} {
		n := uint64(len(text))
		w, err := z.CreateRaw(&zip.FileHeader{Name: text + ".txt", CRC32: crc32.ChecksumIEEE([]byte(text)), CompressedSize64: n, UncompressedSize64: n})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	// Two section headers behind the header of an ELF file.
	elf := make([]byte, 64+2*64)
	copy(elf, "\x7fELF\x02\x01\x01")
	binary.LittleEndian.PutUint64(elf[0x28:], 64)
	binary.LittleEndian.PutUint16(elf[0x3a:], 64)
	binary.LittleEndian.PutUint16(elf[0x3c:], 2)
	for i, v := range []uint64{11, 1, 6, 0x401000, 0x1000, 0x2345} {
		switch i {
		case 0, 1:
			binary.LittleEndian.PutUint32(elf[128+4*i:], uint32(v))
		default:
			binary.LittleEndian.PutUint64(elf[120+8*i:], v)
		}
	}
	for name, content := range map[string][]byte{"dot.png": dot, "two.zip": archive.Bytes(), "prog": elf} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// TestHelp holds --help and -h to the grammar.
func TestHelp(t *testing.T) {
	t.Parallel()
	script.Help(t, "gpack", new(gpack))
}

// An option without its value never takes an operand for it.
func TestMissingValues(t *testing.T) {
	t.Parallel()
	script.MissingValues(t, "gpack", false, "B", "1")
}
