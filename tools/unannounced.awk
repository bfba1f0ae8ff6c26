# Reads CHANGELOG.md and then what apidiff reports. Prints each break that no "### Breaking" above the section of the
# version `base` announces, and fails if there is one. An entry announces a break if it has every word of the broken
# name: "LogValue of ApiError" announces ApiError.LogValue.

FILENAME == "CHANGELOG.md" {
	if (/^##/) breaking = /^### Breaking/
	if ($1 == "##" && $2 == base) nextfile
	if (breaking) announced = announced " " $0
	next
}

/^- / && !/^- Version: value changed/ {
	name = substr($0, 3, index($0, ": ") - 3)
	count = split(name, words, /[^A-Za-z0-9_]+/)
	if (words[count] ~ /^[a-z]/) next # callers cannot use an unexported name
	for (i = 1; i <= count; i++)
		if (words[i] != "" && announced !~ ("(^|[^A-Za-z0-9_])" words[i] "([^A-Za-z0-9_]|$)")) {
			print
			found = 1
			break
		}
}

END { exit found }
