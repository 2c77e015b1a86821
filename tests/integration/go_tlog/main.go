// Command go-tlog checks a C2SP tlog-tiles directory, a receipt, or two checkpoints, with the code
// that Go's own checksum database uses (golang.org/x/mod/sumdb). Only reading files and translating
// paths is done here; every hash and every signature is checked by that code.
//
//	go-tlog audit DIR VKEY
//	go-tlog consistency OLD_NOTE DIR VKEY
//	go-tlog receipt PROOF VKEY LEAF_FILE
package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8
const width = 1 << height

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "refused:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 3 && args[0] == "audit":
		return audit(args[1], args[2])
	case len(args) == 4 && args[0] == "consistency":
		return consistency(args[1], args[2], args[3])
	case len(args) == 4 && args[0] == "receipt":
		return receipt(args[1], args[2], args[3])
	}
	return errors.New("usage: go-tlog audit|consistency|receipt …")
}

// audit authenticates every tile to the signed root and every entry to its tile.
func audit(dir, vkey string) error {
	tree, err := openTree(filepath.Join(dir, "checkpoint"), vkey)
	if err != nil {
		return err
	}
	reader := tlog.TileHashReader(tree, directory(dir))
	for first := int64(0); first < tree.N; first += width {
		if err := auditBundle(dir, tree, reader, first); err != nil {
			return err
		}
	}
	fmt.Printf("ok %d\n", tree.N)
	return nil
}

func auditBundle(dir string, tree tlog.Tree, reader tlog.HashReader, first int64) error {
	tile := tlog.Tile{H: height, L: -1, N: first / width, W: width}
	if left := tree.N - first; left < width {
		tile.W = int(left)
	}
	data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(path(tile))))
	if err != nil {
		return err
	}
	indexes := make([]int64, tile.W)
	for i := range indexes {
		indexes[i] = tlog.StoredHashIndex(0, first+int64(i))
	}
	hashes, err := reader.ReadHashes(indexes)
	if err != nil {
		return err
	}
	for i, hash := range hashes {
		if len(data) < 2 || len(data) < 2+(int(data[0])<<8|int(data[1])) {
			return fmt.Errorf("%s: cut short", path(tile))
		}
		length := int(data[0])<<8 | int(data[1])
		if tlog.RecordHash(data[2:2+length]) != hash {
			return fmt.Errorf("entry %d is not the one in its tile", first+int64(i))
		}
		data = data[2+length:]
	}
	if len(data) != 0 {
		return fmt.Errorf("%s: too long", path(tile))
	}
	return nil
}

// consistency proves that the directory's tree begins with that of an older checkpoint.
func consistency(oldNote, dir, vkey string) error {
	old, err := openTree(oldNote, vkey)
	if err != nil {
		return err
	}
	tree, err := openTree(filepath.Join(dir, "checkpoint"), vkey)
	if err != nil {
		return err
	}
	proof, err := tlog.ProveTree(tree.N, old.N, tlog.TileHashReader(tree, directory(dir)))
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash); err != nil {
		return err
	}
	fmt.Printf("ok %d %d\n", old.N, tree.N)
	return nil
}

// receipt checks a tlog-proof file for an entry.
func receipt(proofFile, vkey, leafFile string) error {
	data, err := os.ReadFile(proofFile)
	if err != nil {
		return err
	}
	leaf, err := os.ReadFile(leafFile)
	if err != nil {
		return err
	}
	head, signed, found := strings.Cut(string(data), "\n\n")
	lines := strings.Split(head, "\n")
	if !found || lines[0] != "c2sp.org/tlog-proof@v1" || len(lines) < 2 {
		return errors.New("not a tlog-proof")
	}
	lines = lines[1:]
	if strings.HasPrefix(lines[0], "extra ") {
		lines = lines[1:]
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[0], "index "), 10, 64)
	if err != nil {
		return err
	}
	var proof tlog.RecordProof
	for _, line := range lines[1:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return err
		}
		proof = append(proof, hash)
	}
	tree, err := parseTree([]byte(signed), vkey)
	if err != nil {
		return err
	}
	if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(leaf)); err != nil {
		return err
	}
	fmt.Printf("ok %d %d\n", index, tree.N)
	return nil
}

func openTree(file, vkey string) (tlog.Tree, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return tlog.Tree{}, err
	}
	return parseTree(data, vkey)
}

// parseTree verifies a checkpoint's signature. tlog.ParseTree reads Go's own first line only, so
// the three lines are read here.
func parseTree(data []byte, vkey string) (tlog.Tree, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return tlog.Tree{}, err
	}
	opened, err := note.Open(data, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() || lines[3] != "" {
		return tlog.Tree{}, errors.New("not a checkpoint of this log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return tlog.Tree{}, errors.New("bad root")
	}
	tree := tlog.Tree{N: size}
	copy(tree.Hash[:], root)
	return tree, nil
}

// path translates Go's tile path (which names the tile height) to that of C2SP tlog-tiles.
func path(tile tlog.Tile) string {
	renamed := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", height), "tile/", 1)
	return strings.Replace(renamed, "tile/data/", "tile/entries/", 1)
}

// directory is a tlog.TileReader over files.
type directory string

func (d directory) Height() int { return height }

func (d directory) SaveTiles([]tlog.Tile, [][]byte) {}

func (d directory) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	all := make([][]byte, len(tiles))
	for i, tile := range tiles {
		data, err := os.ReadFile(filepath.Join(string(d), filepath.FromSlash(path(tile))))
		if err != nil {
			return nil, err
		}
		if len(data) != tile.W*tlog.HashSize {
			return nil, fmt.Errorf("%s has %d bytes", path(tile), len(data))
		}
		all[i] = data
	}
	return all, nil
}
