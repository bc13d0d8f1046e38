# The page in a container, and what Hugging Face Spaces builds:
# docker build -t mnist-transformer . && docker run -p 8501:8501 mnist-transformer
FROM python:3.11-slim
RUN useradd --create-home reader
WORKDIR /home/reader/app
COPY requirements.txt ./
# The CPU build of PyTorch: the page needs no other, and it is a tenth of the size.
RUN pip install --no-cache-dir torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu \
    && pip install --no-cache-dir -r requirements.txt
COPY mnist_transformer/ ./mnist_transformer/
COPY weights/ ./weights/
COPY demo/ ./demo/
USER reader
EXPOSE 8501
HEALTHCHECK CMD python -c "import urllib.request as r; r.urlopen('http://localhost:8501/_stcore/health')"
CMD ["streamlit", "run", "demo/app.py", "--server.port=8501", "--server.address=0.0.0.0", "--server.headless=true"]
